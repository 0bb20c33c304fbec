"""An image of the data to look at: some of each domain, what the crop takes away, and pairs that look like leaks."""

import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from i2i.data.audit.checks import Finding, InspectedData
from i2i.data.image_files.images import opaque, padded, read_image
from i2i.data.image_files.readers_and_writers import read_native
from i2i.data.image_files.value_range import stretched
from i2i.data.layouts import ImageFile
from i2i.utils.atomic_write import replacing
from i2i.utils.text import one_line

SIDE, GAP, COLUMNS, LEAKS = 128, 6, 8, 6
TEXT, FAINT, PAPER, FAULT = "#222222", "#666666", "white", "#b00020"
DIMMED = 0.35
LABEL_HEIGHT = 22


def contact_sheet(inspected: InspectedData, findings: Sequence[Finding], seed: int = 0) -> Image.Image:
    """A row of random training images per domain; below, held-out images beside those they look like.

    Whole images are shown, and what the crop to the image size takes away is dimmed. Of paired data all rows show the
    same scenes, so that pairs stand above one another.
    """
    rows = [(f"{domain}: {len(own):,} in {inspected.train_split}", own) for domain, own in _images(inspected).items()]
    chosen = _chosen(inspected, [own for _, own in rows], seed)
    cells = [
        (title, [_cell(inspected, image) for image in own], TEXT) for (title, _), own in zip(rows, chosen, strict=True)
    ]
    for finding in findings:
        if finding.kind in ("leak", "near leak"):
            cells.append((_leak_title(finding), _leak_cells(inspected, finding), FAULT))
    return _laid_out(cells)


def _leak_title(finding: Finding) -> str:
    same = "the same contents" if finding.kind == "leak" else "much alike"
    return f"held-out images beside those of other splits, {same}: {len(finding.files):,}, here the first"


def _images(inspected: InspectedData) -> dict[str, tuple[ImageFile, ...]]:
    found = inspected.data.splits.get(inspected.train_split) or next(iter(inspected.data.splits.values()))
    return {domain: found.get(domain, ()) for domain in inspected.data.domains}


def _chosen(inspected: InspectedData, rows: Sequence[Sequence[ImageFile]], seed: int) -> list[list[ImageFile]]:
    """Readable images, in the order of their files; of pairs the same places in each row."""
    readable = [
        [place for place, one in enumerate(row) if inspected.inspections[one.path].fault is None] for row in rows
    ]
    if inspected.data.paired:
        both = sorted(set.intersection(*map(set, readable)))
        places = [_some(both, seed)] * len(rows)
    else:
        places = [_some(own, seed) for own in readable]
    return [[row[place] for place in own] for row, own in zip(rows, places, strict=True)]


def _some(places: Sequence[int], seed: int) -> list[int]:
    return sorted(random.Random(seed).sample(places, min(COLUMNS, len(places))))


def _cell(inspected: InspectedData, image: ImageFile) -> Image.Image:
    shown = _shown(image)
    if inspected.fit == "crop":
        shown = _dimmed(shown, inspected.image_size)
    return padded(shown, (SIDE, SIDE), PAPER)


def _leak_cells(inspected: InspectedData, finding: Finding) -> list[Image.Image]:
    """Pairs beside each other."""
    native = inspected.data.native
    by_name = {inspected.name(path): ImageFile(path, native=native) for path in inspected.inspections}
    names = [name for pair in finding.files[: LEAKS // 2 + 1] for name in pair]
    return [padded(_shown(by_name[name]), (SIDE, SIDE), PAPER) for name in names]


def _shown(image: ImageFile) -> Image.Image:
    """In colours; of values beyond 8 bits the first channels, from the least to the largest."""
    if not image.native:
        return opaque(read_image(image.path, image.half), "white")
    values = stretched(read_native(image.path, image.half))
    return Image.fromarray(values[:, :, 0] if values.shape[2] == 1 else values).convert("RGB")


def _dimmed(image: Image.Image, image_size: tuple[int, int]) -> Image.Image:
    """The image, faint where the crop around its centre will not reach."""
    (width, height), wanted = image.size, image_size[1] / image_size[0]
    kept = (min(width, round(height * wanted)), min(height, round(width / wanted)))
    left, top = (width - kept[0]) // 2, (height - kept[1]) // 2
    faint = Image.blend(Image.new("RGB", image.size, PAPER), image, DIMMED)
    faint.paste(image.crop((left, top, left + kept[0], top + kept[1])), (left, top))
    return faint


def _laid_out(rows: Sequence[tuple[str, Sequence[Image.Image], str]]) -> Image.Image:
    row_height = LABEL_HEIGHT + SIDE + GAP
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, GAP + row_height * len(rows) + LABEL_HEIGHT), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (title, cells, color) in enumerate(rows):
        top = GAP + number * row_height
        draw.text((GAP, top), one_line(title), fill=color, font=font)
        for column, cell in enumerate(cells):
            sheet.paste(cell, (GAP + column * (SIDE + GAP), top + LABEL_HEIGHT))
    note = "chosen at random; what the crop takes away is faint"
    draw.text((GAP, GAP + row_height * len(rows)), note, fill=FAINT, font=font)
    return sheet


def write_sheet(path: Path, sheet: Image.Image) -> None:
    """Write as PNG, complete or not at all; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        sheet.save(partial, format="PNG")
