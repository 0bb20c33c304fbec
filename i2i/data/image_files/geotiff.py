"""Where an image of the earth lies: the tags of a GeoTIFF file, carried over to its translation."""

from pathlib import Path

from i2i.data.image_files.optional import imported

TAGS = (33550, 33922, 34264, 34735, 34736, 34737)
"""OGC GeoTIFF 1.1, 7.1: ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory and its two lists."""
Tag = tuple[int, int, int, object, bool]
"""Code, type, number of values, values, and that it stands once."""
ENDINGS = (".tif", ".tiff")


def geometry_tags(path: Path, size: tuple[int, int]) -> list[Tag]:
    """The tags of a file that say where it lies, as tifffile writes them; none where it is no GeoTIFF.

    They count in pixels, so an image of another height and width than `size` gives none.
    """
    if path.suffix.lower() not in ENDINGS:
        return []
    with imported("tifffile", path).TiffFile(path) as file:
        page = file.pages[0]
        if (page.imagelength, page.imagewidth) != size:
            return []
        found = [page.tags[code] for code in TAGS if code in page.tags]
        return [(tag.code, tag.dtype, tag.count, tag.value, True) for tag in found]
