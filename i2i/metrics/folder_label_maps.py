"""Scores of label maps in any folder, of any origin: the classes of two folders, compared pixel by pixel."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from i2i.data.image_files.images import Preprocess, read_image, read_size
from i2i.data.layouts import ImageFile
from i2i.data.layouts.image_folder import ImageFolder
from i2i.errors import UserError
from i2i.metrics.folder_scores import Folders, common_size, corresponding
from i2i.metrics.image_scores import read_pixels
from i2i.metrics.registry import SEGMENTATION
from i2i.metrics.segmentation.palette import Palette
from i2i.metrics.segmentation.scores import agreement

LEARNT_FROM = 64  # label maps, evenly spread


def read_palette(path: Path) -> Palette:
    """The palette of a JSON file, {"road": [128, 64, 128], ...}.

    Raises:
        UserError: a file that is not there or holds something else, or what is no palette, such as two equal colors.
    """
    form = f'{path} is no palette\nwrite a color by class, as {{"road": [128, 64, 128], "sky": [70, 130, 180]}}'
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})\nname a file with --palette") from None
    except ValueError:
        raise UserError(form) from None
    if not isinstance(found, dict) or not all(map(_is_color, found.values())):
        raise UserError(form)
    return Palette.given(found)


def _is_color(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(channel, int) for channel in value)


def score_label_maps(
    folders: Folders, palette: Palette | None, size: tuple[int, int] | None = None, intersection: bool = False
) -> tuple[dict[str, float], list[str]]:
    """Pixel accuracy, class accuracy and mean IoU of translations to label maps against the true ones.

    Each pixel is of the class whose color is nearest. What is called `void` in the truth is not scored.

    Args:
        folders: translations, and the truth of their names.
        palette: the classes; None: learnt from the truth.
        size: height and width to compare at; None: that of the images, which is one.
        intersection: leave out what has no counterpart of its name.

    Returns:
        Values by metric, and what to know of them.

    Raises:
        UserError: no truth, images of several sizes, or a truth that shows no label maps.
    """
    if folders.truth is None:
        raise UserError("label maps are compared with the true ones\ngive them with --truth DIR, or say --paired")
    listed = {role: ImageFolder(place) for role, place in folders.given.items()}
    images = corresponding(listed, intersection)
    fakes, truth = images["fake"], images["truth"]
    at = size or _one_size(fakes, truth, folders)
    classes = palette or Palette.learnt(_some(truth))
    found, true = (classes.classes(read_pixels(some, Preprocess(at))) for some in (fakes, truth))
    if not classes.scored[true.long()].any():
        raise UserError(f"{folders.truth} shows nothing but void\nname the classes of its colors with --palette FILE")
    scores = agreement(found, true, classes.scored)
    seen = scores.pixel_accuracy[~scores.pixel_accuracy.isnan()]
    values = (float(seen.mean()), scores.class_accuracy, scores.mean_iou)
    whose = "given" if palette else "learnt from the truth"
    return dict(zip(SEGMENTATION, values, strict=True)), [f"label maps of {len(classes.names)} classes, {whose}"]


def _one_size(fakes: Sequence[ImageFile], truth: Sequence[ImageFile], folders: Folders) -> tuple[int, int]:
    height, width = common_size(fakes, folders.fake)
    unlike = next((image for image in truth if read_size(image.path) != (height, width)), None)
    if unlike is not None:
        up, across = read_size(unlike.path)
        raise UserError(
            f"{unlike.path} has {up}x{across} pixels, its translation {height}x{width}\n"
            f"scale both with --size {height}x{width}, or write translations of the size of the label maps"
        )
    return height, width


def _some(images: Sequence[ImageFile]) -> list[np.ndarray]:
    """uint8 [H, W, 3] each, as large as they are."""
    step = max(1, len(images) // LEARNT_FROM)
    return [np.asarray(read_image(image.path, image.half).convert("RGB")) for image in images[::step][:LEARNT_FROM]]
