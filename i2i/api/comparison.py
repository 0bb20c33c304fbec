"""What several models make of the same images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from i2i.api.images import png, sheet
from i2i.api.loading import LoadedTranslator, load
from i2i.api.python_messages import pythonic
from i2i.errors import UserError
from i2i.inference.in_memory import Given, as_files, as_pil
from i2i.inference.translate_files import translation_of


class Comparison:
    """Images and what several models make of them; a notebook shows it as a contact sheet.

    Attributes:
        sheet: the contact sheet, a PIL image: a row of inputs, then a row for each model.
        translations: PIL images by model, in the order of the inputs.
    """

    def __init__(self, inputs: Sequence[Image.Image], translations: Mapping[str, Sequence[Image.Image]]) -> None:
        self.translations = {name: list(made) for name, made in translations.items()}
        self.sheet = sheet([list(inputs), *self.translations.values()], ["input", *self.translations])

    def _repr_png_(self) -> bytes:
        return png(self.sheet)


@pythonic
def compare(
    runs: Mapping[str, str | Path | LoadedTranslator],
    images: Sequence[Given],
    target: str,
    source: str | None = None,
) -> Comparison:
    """What the models of several run folders, by name, make of the same images.

    Args:
        runs: run folders, or what `load` has made of them, by the names to show; they must have the same image size.
        images: as `translate` takes them.
        target: as `translate` takes it.
        source: as `translate` takes it.

    Raises:
        UserError: as `translate`, without a run or image, or for runs of unlike image sizes.
    """
    if not isinstance(runs, Mapping):
        raise UserError(f"runs is {type(runs).__name__}: give a dictionary, such as {{'mine': 'runs/mine'}}")
    if not runs or not len(images):
        raise UserError("there is nothing to compare: give at least one run, by name, and one image")
    loaded = {name: run if isinstance(run, LoadedTranslator) else load(run) for name, run in runs.items()}
    if len({one.translator.task.image_size for one in loaded.values()}) > 1:
        raise UserError("the runs have unlike image sizes: compare those of one size")
    made = {name: one.translate(list(images), target, source=source) for name, one in loaded.items()}
    return Comparison(_inputs(next(iter(loaded.values())), images, target, source), made)


def _inputs(loaded: LoadedTranslator, images: Sequence[Given], target: str, source: str | None) -> list[Image.Image]:
    """The images as a translator takes them, beyond 8 bits in the rendering of their domain."""
    _, before, _ = translation_of(loaded.translator, loaded.preprocess, source, target, loaded.device)
    with as_files(list(images), native=before.own is not None) as files:
        return [as_pil(before.shown(before.pixels_of(file))) for file in files]
