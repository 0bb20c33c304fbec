"""What may be wrong with a folder in which no data set was recognised."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from i2i.data.layouts.archives import is_archive, unpacked
from i2i.data.layouts.image_folder import ImageFolder, Parts
from i2i.data.layouts.recognize import folders_in
from i2i.errors import UserError
from i2i.utils.split_names import names_a_split, split_of
from i2i.utils.text import argument

SHOWN = 4
DIVIDING = "--split 0.8,0.1,0.1 --size 256 --out DIR"


def diagnose(place: Path, size: tuple[int, int] = (256, 256)) -> str | None:
    """A guess at the mistake in a folder or an archive, with the remedy; None where there is none to make.

    It knows names that speak of splits otherwise than a layout does, images that lie loose, data sets within the
    folder, splits or domains without the other.

    Args:
        place: the folder or the archive.
        size: height and width that images are to have, for the remedy.
    """
    try:
        root = unpacked(place) if place.is_file() and is_archive(place) else place
    except UserError:
        return None
    images = ImageFolder(root).images
    guesses = (_one_domain, _loose, _within, _split_in_names, _undivided) if images else ()
    diagnosis = next((diagnosis for guess in guesses if (diagnosis := guess(root, images))), None)
    asked = DIVIDING.replace("256", "x".join(map(str, dict.fromkeys(size))))
    # Nobody is sent to where archives are unpacked.
    return diagnosis and diagnosis.replace(argument(root), argument(place)).replace(str(root), str(place)).replace(
        DIVIDING, asked
    )


def _loose(root: Path, images: Sequence[Parts]) -> str | None:
    loose = sum(len(parts) == 1 for parts in images)
    if not loose:
        return None
    return (
        f"{loose} images lie loose in {root}: all images of a domain belong in a folder of the domain's name, "
        f"{root / 'train' / 'DOMAIN'}; pairs side by side are divided by i2i data prepare {argument(root)} "
        f"{DIVIDING}"
    )


def _one_domain(root: Path, images: Sequence[Parts]) -> str | None:
    placed = [(split, parts[1]) for parts in images if len(parts) > 2 and (split := split_of(parts[0]))]
    domains = {domain for _, domain in placed}
    if len(domains) != 1:
        return None
    return (
        f"all {len(placed)} images lie in one domain, {domains.pop()}: put those of the other domain into "
        f"{root / 'train' / 'OTHER'}"
    )


def _within(root: Path, images: Sequence[Parts]) -> str | None:
    """Folders below that look like data sets by themselves."""
    inner = [folder for folder in folders_in(root) if any(names_a_split(own.name) for own in folders_in(folder))]
    if not inner:
        return _only(root, images)
    if len(inner) == 1:
        return f"the data set seems to be the folder within: {inner[0]}"
    return (
        f"several data sets seem to lie within: choose one, such as {inner[0]}, or learn all as --data NAME=FOLDER; "
        f"if these are domains, their images belong into the splits themselves, as in {inner[0].name}/train"
    )


def _only(root: Path, images: Sequence[Parts]) -> str | None:
    """The folder that holds all folders of images."""
    if len({parts[0] for parts in images}) > 1 or len({parts[:2] for parts in images if len(parts) > 2}) < 2:
        return None
    return f"the data set seems to be the folder within: {root / images[0][0]}"


def _split_in_names(root: Path, images: Sequence[Parts]) -> str | None:
    """Folders such as `day_train`, which must not be divided: held-out images would be learnt."""
    names = [name for name in dict.fromkeys(parts[0] for parts in images) if names_a_split(name)]
    if not names:
        return None
    return (
        f"{', '.join(names[:SHOWN])}: the names speak of splits, but not as a layout does: call the folders train, val "
        "and test and put a folder per domain into each, as in train/DOMAIN"
    )


def _undivided(root: Path, images: Sequence[Parts]) -> str | None:
    domains = Counter(parts[0] for parts in images)
    if len(domains) < 2:
        return None
    return (
        f"{', '.join(list(domains)[:SHOWN])} hold images, but there are no splits: divide them "
        f"with i2i data prepare {argument(root)} {DIVIDING}"
    )
