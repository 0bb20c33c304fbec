"""External translations that are not of every image."""

from collections.abc import Sequence
from pathlib import Path

from i2i.data.layouts import Picture
from i2i.utils.documents import read_document

PARTIAL = "stems.json"


def present(folder: Path, source: str, pictures: Sequence[Picture]) -> list[int]:
    """Places of those images of a source domain that have translations below `folder`.

    They are all, unless the folder lists its own because it took over an intersection.
    """
    listing = folder / PARTIAL
    stems = read_document(dict[str, set[str]], listing, "remove it, and give --external anew")
    if stems is None:
        return list(range(len(pictures)))
    return [position for position, picture in enumerate(pictures) if picture.stem in stems.get(source, ())]
