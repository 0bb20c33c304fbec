"""External translations that are not of every image."""

from collections.abc import Sequence
from pathlib import Path

from i2i.data.layouts import ImageFile
from i2i.utils.json_documents import read_document

PARTIAL = "stems.json"


def present(folder: Path, source: str, images: Sequence[ImageFile]) -> list[int]:
    """Places of those images of a source domain that have translations below `folder`.

    They are all, unless the folder lists its own because it took over an intersection.
    """
    listing = folder / PARTIAL
    stems = read_document(dict[str, set[str]], listing, "remove it, and give --external again")
    if stems is None:
        return list(range(len(images)))
    return [position for position, image in enumerate(images) if image.stem in stems.get(source, ())]
