"""What a translation is asked for beside its domains: noise by name, samples, reference images, sampling steps."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from i2i import cli, custom_models, registry
from i2i.data.image_files.images import Preprocess
from i2i.errors import UserError
from i2i.inference.translate_files import collect, of_sample, resized, samples_of, translate_files, translation
from i2i.translator import Coverage, ModelConfig, Noise, Task
from i2i.translator.request import sample_name, seed_of

STYLED = """
import torch
from i2i.data.batches import UnpairedBatch
from i2i.translator import Coverage, Losses, Optimizer, Phase, Translator

class Styled(Translator):
    coverage = Coverage.PAIR
    batch = UnpairedBatch
    takes = frozenset({"noise", "reference", "sampling_steps"})
    most_sampling_steps = 4

    def __init__(self, config, task):
        super().__init__(config, task)
        self.mapping = torch.nn.Conv2d(3, 3, 1)

    def optimizers(self):
        return {"mapping": Optimizer(("mapping",))}

    def phases(self):
        return (Phase("mapping", lambda batch, step: Losses(self.mapping(batch.a).square().mean(), {})),)

    def generate(self, images, request):
        style = request.noise.normal(3, 1, 1)
        if request.reference is not None:
            style = request.reference.mean((2, 3), keepdim=True)
        for _ in range(request.sampling_steps or 1):
            images = torch.tanh(0.1 * self.mapping(images) + 0.3 * style)
        return images
"""


@pytest.fixture
def styled(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(STYLED)
    yield path
    registry.unregister("Styled")
    custom_models._LOADED.clear()


def built(path):
    cls = registry.get(custom_models.load(f"{path}:Styled").name)
    return cls(ModelConfig(), Task.covering(Coverage.PAIR, ("a", "b"), (8, 8)))


def test_a_stream_of_noise_goes_on_and_is_that_of_its_seed_alone():
    together, alone = Noise([5, 9]), Noise([9])
    first, second = together.normal(2, 3), together.normal(2, 3)
    assert first.shape == (2, 2, 3)
    assert not torch.equal(first, second)
    assert torch.equal(alone.normal(2, 3)[0], first[1])
    assert torch.equal(alone.normal(2, 3)[0], second[1])
    assert not torch.equal(first[0], first[1])


def test_the_seed_of_a_file_is_a_function_of_its_name():
    seeds = {name: seed_of(name) for name in ("a", "b", "a.s1", "\udcff", "")}
    assert len(set(seeds.values())) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds.values())
    assert seed_of("a") == seed_of("a", 0) == 2340832890917691671  # as ever, so that translations can be repeated


def test_another_seed_gives_every_file_and_sample_other_noise():
    names = [sample_name(stem, sample) for stem in ("a", "b") for sample in range(3)]
    assert names == ["a", "a.s1", "a.s2", "b", "b.s1", "b.s2"]
    seeds = [seed_of(name, seed) for name in names for seed in (0, 1, 2)]
    assert len(set(seeds)) == len(seeds)
    assert seed_of("a.s1", 7) == seed_of("a.s1", 7)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seeds": [1, 2, 3]}, "3 seeds do not fit 2 images: give one for each"),
        ({"seeds": [1, -1]}, "a seed is -1: give whole numbers from 0 to 9223372036854775807"),
        ({"seeds": [1, 0.5]}, "a seed is 0.5"),
        ({"sampling_steps": 0}, "sampling_steps is 0: give a whole number of at least 1"),
        ({"sampling_steps": 2.5}, "sampling_steps is 2.5"),
        ({"sampling_steps": True}, "sampling_steps is True"),
        ({"sampling_steps": 5}, "sampling_steps is 5 and this model's schedule has 4: give at most as many"),
        ({"reference": torch.zeros(3, 3, 8, 8)}, "3 reference images do not fit 2 images: give one for each, or one"),
        ({"reference": torch.zeros(3, 8, 8)}, "reference images must have shape [B, 3, H, W], got [3, 8, 8]"),
        ({"reference": torch.full((1, 3, 8, 8), 2.0)}, "reference images must lie in [-1, 1]"),
        ({"reference": torch.zeros(1, 1, 8, 8)}, "reference images must have shape [B, 3, H, W], got [1, 1, 8, 8]"),
        ({"reference": torch.zeros(1, 3, 16, 8)}, "reference images have 16x8 pixels and this model takes after"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(styled, asked, said):
    with pytest.raises(UserError) as refused:
        built(styled).translate(torch.zeros(2, 3, 8, 8), "a", "b", **asked)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("model", "allowed"), [("identity", "it takes nothing but images and domains"), ("stargan", "it takes labels")]
)
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seeds": [1]}, "takes no noise (seeds, --samples)"),
        ({"reference": torch.zeros(1, 3, 32, 32)}, "takes no reference (--reference)"),
        ({"sampling_steps": 3}, "takes no sampling_steps (--sampling-steps)"),
        ({"seeds": [1], "sampling_steps": 3}, "takes no noise (seeds, --samples), no sampling_steps"),
    ],
)
def test_what_a_model_does_not_take_is_refused_with_what_it_takes(model, allowed, asked, said):
    cls = registry.get(model)
    translator = cls(cls.Config(**cls.test_settings), Task.covering(Coverage.ALL, "ab", (32, 32)))
    with pytest.raises(UserError) as refused:
        translator.translate(torch.zeros(1, 3, 32, 32), "a", "b", **asked)
    assert said in str(refused.value)
    assert str(refused.value).endswith(f"{allowed}: leave the rest out")


def test_one_reference_serves_all_images_and_each_its_own_where_there_are_several(styled):
    translator, images = built(styled), torch.zeros(2, 3, 8, 8)
    bright, dark = torch.ones(1, 3, 8, 8), -torch.ones(1, 3, 8, 8)
    both = translator.translate(images, "a", "b", reference=torch.cat([bright, dark]))
    for place, reference in enumerate((bright, dark)):
        alone = translator.translate(images, "a", "b", reference=reference)
        assert torch.equal(alone[0], alone[1])
        assert torch.equal(both[place], alone[0])


def photo(path, level):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), level, np.uint8)).save(path)


def test_a_file_is_translated_the_same_whatever_lies_beside_it_and_its_samples_differ(styled, tmp_path):
    for name in ("a", "b", "c"):
        photo(tmp_path / "in" / f"{name}.png", 100)
    function = translation(built(styled), "a", "b", torch.device("cpu"))
    convert = resized(function, Preprocess((8, 8)))
    paths = [tmp_path / "in" / f"{name}.png" for name in "abc"]
    whole = list(convert(paths))
    assert not (whole[0] == whole[1]).all()
    (alone,) = convert(paths[2:])
    assert (alone == whole[2]).all()
    files = collect([tmp_path / "in"])
    translate_files(convert, files, tmp_path / "out", Preprocess((8, 8)).write)
    assert (np.asarray(Image.open(tmp_path / "out/c.png")) == alone).all()
    assert [str(name) for _, name in of_sample(files, 2)] == ["a.s2.png", "b.s2.png", "c.s2.png"]


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["i2i", *map(str, arguments)])
    status = 0
    try:
        cli.main()
    except SystemExit as end:
        status = end.code or 0
    return status, capsys.readouterr().err


def test_the_command_line_asks_for_samples_references_and_steps(styled, tmp_path, monkeypatch, capsys):
    model, trained, out = ("--model", f"{styled}:Styled"), tmp_path / "run", tmp_path / "out"
    tiny = (
        "train.images=4",
        "data.scenes=2",
        "data.test_scenes=2",
        "data.domains=summer,winter",
        "train.sample_every=0",
    )
    short = [f"--set={setting}" for setting in tiny]
    assert run(monkeypatch, capsys, "train", *model, "--size", "16", *short, "--out", trained)[0] == 0
    photo(tmp_path / "in/x.png", 90)
    photo(tmp_path / "white.png", 255)
    translate = (
        "translate",
        trained,
        tmp_path / "in",
        *model,
        "--source",
        "summer",
        "--target",
        "winter",
        "--out",
        out,
    )
    assert run(monkeypatch, capsys, *translate, "--samples", 3)[0] == 0
    made = {path.name: np.asarray(Image.open(path)).astype(int) for path in sorted(out.iterdir())}
    assert list(made) == ["x.png", "x.s1.png", "x.s2.png"]
    assert np.abs(made["x.png"] - made["x.s1.png"]).max() > 3
    status, said = run(monkeypatch, capsys, *translate, "--samples", 2)
    assert (status, "x.png and 1 more are there already" in said) == (2, True)
    again = (*translate, "--overwrite")
    for seed, same in ((0, True), (3, False)):
        assert run(monkeypatch, capsys, *again, "--samples", 3, "--seed", seed)[0] == 0
        now = {path.name: np.asarray(Image.open(path)).astype(int) for path in sorted(out.iterdir())}
        assert [(now[name] == made[name]).all() for name in made] == [same] * 3
    assert run(monkeypatch, capsys, *again, "--reference", tmp_path / "white.png")[0] == 0
    Image.new("L", (23, 9), 255).save(tmp_path / "grey.png")
    referred = np.asarray(Image.open(out / "x.png")).astype(int)
    assert run(monkeypatch, capsys, *again, "--reference", tmp_path / "white.png", "--sampling-steps", 3)[0] == 0
    elsewhere = [tmp_path / "alone" if part is out else part for part in translate]
    status, said = run(monkeypatch, capsys, *elsewhere, "--reference", tmp_path / "white.png", "--samples", 3)
    assert (status, said.count("beside a reference image this model takes no noise: one translation")) == (0, 1)
    assert [path.name for path in (tmp_path / "alone").iterdir()] == ["x.png"]
    assert np.abs(referred - np.asarray(Image.open(out / "x.png"))).max() > 0
    status, said = run(monkeypatch, capsys, *again, "--reference", tmp_path / "grey.png")
    assert (status, f"{tmp_path / 'grey.png'}: fit crop to 16x16 px: the image, " in said) == (0, True)
    assert (referred == np.asarray(Image.open(out / "x.png"))).all()  # any mode and size is made to fit
    for wrong, named in (
        (("--sampling-steps", 5), "sampling_steps is 5 and this model's schedule has 4"),
        (("--sampling-steps", 0), "sampling_steps is 0: give a whole number of at least 1"),
        (("--samples", 0), "--samples 0: give a whole number from 1 to 1,000"),
        (("--samples", -2), "--samples -2: give a whole number from 1 to 1,000"),
        (("--samples", 10**9), "--samples 1000000000: give a whole number from 1 to 1,000"),
        (("--seed", -1), "--seed -1: give a whole number from 0"),
        (("--reference", tmp_path / "none.png"), "none.png"),
        (("--reference", tmp_path), f"{tmp_path} is a folder and no image: name an image in it"),
    ):
        status, said = run(monkeypatch, capsys, *again, *wrong)
        assert (status, named in said) == (2, True)


def asked(translator, **more):
    return replace(translation(translator, "a", "b", torch.device("cpu")), **more)


def test_where_a_reference_leaves_nothing_to_noise_there_is_one_translation(styled):
    translator, white = built(styled), torch.ones(1, 3, 8, 8)
    assert samples_of(asked(translator), 5) == (5, "")
    assert samples_of(asked(translator, reference=white), 1) == (1, "")
    assert samples_of(asked(translator, reference=white), 5) == (
        1,
        "beside a reference image this model takes no noise",
    )
    with pytest.raises(UserError, match=r"--seed 3: beside a reference image this model takes no noise.*leave it out"):
        samples_of(asked(translator, reference=white, seed=3), 1)
    generate = translator.generate
    translator.generate = lambda images, request: (generate(images, request) + request.noise.normal(1, 1, 1)) / 9
    assert samples_of(asked(translator, reference=white, seed=3), 5) == (5, "")


@pytest.mark.parametrize("name", ["munit", "stargan-v2"])
def test_the_methods_that_take_references_draw_nothing_beside_them(name):
    cls = registry.get(name)
    torch.manual_seed(0)
    translator = cls(cls.Config(**cls.test_settings), Task.covering(cls.coverage, "ab", (32, 32))).eval()
    assert samples_of(asked(translator), 4) == (4, "")
    assert samples_of(asked(translator, reference=torch.rand(1, 3, 32, 32)), 4)[0] == 1


@pytest.mark.integration
def test_samples_of_a_model_without_noise_are_one_which_is_said_once(tmp_path, monkeypatch, capsys):
    tiny = ("train.images=4", "data.scenes=2", "data.test_scenes=2", "data.domains=summer,winter", "model.width=4")
    trained, out = tmp_path / "run", tmp_path / "out"
    small = [f"--set={setting}" for setting in (*tiny, "model.blocks=1", "model.layers=1", "train.sample_every=0")]
    assert run(monkeypatch, capsys, "train", "--model", "cyclegan", "--size", 16, *small, "--out", trained)[0] == 0
    for name in "xy":
        photo(tmp_path / f"in/{name}.png", 90)
    translate = ("translate", trained, tmp_path / "in", "--target", "winter", "--out", out)
    status, said = run(monkeypatch, capsys, *translate, "--samples", 4)
    assert (status, said.count("this model takes no noise: one translation of each image")) == (0, 1)
    assert sorted(path.name for path in out.iterdir()) == ["x.png", "y.png"]
    status, said = run(monkeypatch, capsys, *translate, "--overwrite", "--seed", 3)
    assert (status, "--seed 3: this model takes no noise" in said) == (2, True)
    for wrong, told in (
        (("--sampling-steps", 3), "this model takes no sampling_steps (--sampling-steps); it takes nothing but"),
        (("--source", "winter"), "this model does not translate winter to winter; it translates summer to winter"),
    ):
        status, said = run(monkeypatch, capsys, *translate, "--overwrite", *wrong)
        assert (status, said.startswith(f"i2i: {told}"), said.count("\n")) == (2, True, 1), said
