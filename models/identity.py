"""The reference row that copies its input: the floor of every comparison."""

from torch import Tensor

from i2i.data.batches import LabelledBatch
from i2i.registry import register
from i2i.translator import Coverage, Phase, Request, Translator


@register("identity")
class Identity(Translator):
    """Gives the source image as the translation."""

    coverage = Coverage.ALL
    batch = LabelledBatch

    def phases(self) -> tuple[Phase, ...]:
        return ()

    def generate(self, images: Tensor, request: Request) -> Tensor:
        return images.clone()
