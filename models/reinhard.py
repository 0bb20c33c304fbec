"""The reference row that moves colours only: what a translator must beat to have learnt more than a tint.

After Reinhard, Ashikhmin, Gooch, Shirley: Color Transfer between Images, IEEE CG&A 2001, in RGB and towards
the statistics of a whole domain.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from i2i.data.batches import LabelledBatch
from i2i.registry import register
from i2i.translator import Coverage, ModelConfig, Phase, Request, Task, Translator

EPSILON = 1e-5


@register("reinhard")
class Reinhard(Translator):
    """Gives every channel of an image the mean and deviation that it has in the target domain.

    The buffers `mean` and `deviation` [k, C] hold them for each domain.
    """

    coverage = Coverage.ALL
    batch = LabelledBatch
    mean: Tensor
    deviation: Tensor

    def __init__(self, config: ModelConfig, task: Task) -> None:
        super().__init__(config, task)
        self.register_buffer("mean", torch.zeros(len(task.domains), task.channels))
        self.register_buffer("deviation", torch.ones(len(task.domains), task.channels))

    def phases(self) -> tuple[Phase, ...]:
        return ()

    def prepare(self, images_of: Callable[[str], Iterator[Tensor]]) -> None:
        """Average the images' own means and deviations over each domain's training images."""
        for index, domain in enumerate(self.task.domains):
            means, deviations = [], []
            for images in images_of(domain):
                deviation, mean = torch.std_mean(images.double(), dim=(2, 3), correction=0)
                means.append(mean)
                deviations.append(deviation)
            self.mean[index] = torch.cat(means).mean(0)
            self.deviation[index] = torch.cat(deviations).mean(0)

    def generate(self, images: Tensor, request: Request) -> Tensor:
        deviation, mean = torch.std_mean(images, dim=(2, 3), correction=0, keepdim=True)
        normalized = (images - mean) / deviation.clamp_min(EPSILON)
        shape = (1, -1, 1, 1)
        translated = normalized * self.deviation[request.target].view(shape) + self.mean[request.target].view(shape)
        return translated.clamp(-1, 1)
