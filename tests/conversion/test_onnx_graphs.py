"""What is exported has an input for all that a translator takes, and gives with it what `translate` gives."""

import pytest
import torch
from torch import nn

from i2i.conversion.onnx_graphs import graphs
from i2i.data.batches import UnpairedBatch
from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.translator import Coverage, ModelConfig, Task, Translator

SIZE = (8, 8)


class Painter(Translator):
    """Draws a style, takes it from a reference, and adds noise of the images' size and of half of it in every step."""

    coverage, batch = Coverage.PAIR, UnpairedBatch
    takes = frozenset({"noise", "reference", "sampling_steps"})
    multiple = 2

    def __init__(self, config, task):
        super().__init__(config, task)
        self.mapping = nn.Conv2d(3, 3, 1)

    def phases(self):
        return ()

    def generate(self, images, request):
        if request.reference is None:
            style = request.noise.normal(3, 1, 1)
        else:
            style = request.reference.mean((2, 3), keepdim=True)
        height, width = images.shape[2:]
        for _ in range(request.sampling_steps or 1):
            coarse = nn.functional.interpolate(request.noise.normal(1, height // 2, width // 2), scale_factor=2)
            fine = request.noise.normal(1, height, width)
            images = torch.tanh(self.mapping(images) * style + coarse + 0.1 * fine)
        return images * (1 if request.target else -1)


class Labelled(Painter):
    """The same led by labels, without sampling steps or references."""

    coverage, takes = Coverage.ALL, frozenset({"labels", "noise"})

    def generate(self, images, request):
        colors = request.labels @ torch.linspace(-1, 1, request.labels.shape[1] * 3).view(-1, 3)
        return torch.tanh(images + colors[:, :, None, None] + request.noise.normal(3, 1, 1))


def built(cls, domains=("dawn", "dusk")):
    torch.manual_seed(0)
    return cls(ModelConfig(), Task.covering(cls.coverage, LabelSpace.of_domains(domains), SIZE)).eval()


@pytest.mark.parametrize(("cls", "steps"), [(Painter, None), (Painter, 3), (Labelled, None)])
@pytest.mark.parametrize("size", [(1, 8, 8), (3, 10, 8), (2, 8, 12)], ids=str)
def test_graphs_give_what_translate_gives(cls, steps, size):
    found = graphs(built(cls), "painter", steps)
    for graph in found:
        inputs, expected = graph.case(*size)
        assert (graph.module(*inputs.values()) - expected).abs().max() < 1e-6
        other = {name: torch.randn(tensor.shape) if "noise" in name else tensor for name, tensor in inputs.items()}
        assert (graph.module(*other.values()) - expected).abs().max() > 1e-3


def test_a_direction_has_a_graph_by_noise_and_one_by_reference():
    found = {graph.file: graph for graph in graphs(built(Painter), "painter", 2)}
    assert list(found) == [f"{way}{kind}.onnx" for way in ("dawn2dusk", "dusk2dawn") for kind in ("", ".reference")]
    images = ["batch", 3, "height", "width"]
    noise = {"noise_2": ["batch", 1, "noise_2_2", "noise_2_3"], "noise_3": ["batch", 1, "height", "width"]}
    facts = found["dawn2dusk.onnx"].facts
    assert {"source": "dawn", "target": "dusk", "sampling_steps": 2}.items() <= facts.items()
    assert list(facts["inputs"]) == ["images", "noise", "noise_2", "noise_3", "noise_4", "noise_5"]
    assert {"images": images, "noise": ["batch", 3, 1, 1], **noise}.items() <= facts["inputs"].items()
    referred = found["dawn2dusk.reference.onnx"].facts["inputs"]
    assert list(referred) == ["images", "reference", "noise", "noise_2", "noise_3", "noise_4"]
    assert referred["reference"] == ["batch", 3, *SIZE]  # of the size of the training, as everywhere


def test_labels_and_noise_are_inputs_of_one_graph():
    (graph,) = graphs(built(Labelled, ("a", "b", "c")), "painter")
    assert graph.file == "painter.onnx"
    assert graph.dynamic == {"images": {0: "batch", 2: "height", 3: "width"}, "others": ({0: "batch"}, {0: "batch"})}


def test_axes_of_a_model_that_is_bound_to_its_size_are_fixed():
    translator = built(Painter)
    translator.bound_to_size = True
    assert {tuple(axes.values()) for axes in graphs(translator, "painter")[0].free.values()} == {("batch",)}


def test_steps_that_do_not_fit_are_refused_by_the_model():
    painter = built(Painter)
    painter.most_sampling_steps = 7
    painter.check_sampling_steps(7)
    for steps, said in ((0, "sampling_steps is 0: give a whole number of at least 1"), (8, "schedule has 7")):
        with pytest.raises(UserError, match=said):
            painter.check_sampling_steps(steps)
    with pytest.raises(UserError, match=r"takes no sampling_steps \(--sampling-steps\); it takes"):
        built(Labelled).check_sampling_steps(5)
