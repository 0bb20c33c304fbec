"""Data sets of Hugging Face's `datasets` as `save_to_disk` leaves them: JSON about Arrow files.

The images lie in the Arrow files and are written out once, into the cache.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from i2i.config import stable_hash
from i2i.data.layouts import Choices, DataSet, Layout, own_name, scan
from i2i.data.layouts.hf_rows import Reading, Table, columns_of, reading_of, undecoded, write_split
from i2i.data.layouts.image_folder import ImageFolder
from i2i.data.layouts.listed_names import content_hash
from i2i.errors import UserError
from i2i.utils.atomic_write import replacing_folder
from i2i.utils.cache_folder import cache_folder
from i2i.utils.split_names import canonical_split

DICT, INFO = "dataset_dict.json", "dataset_info.json"


def features_of(root: Path) -> Mapping[str, object]:
    """The features by column that the JSON of a saved data set declares; empty where there is none.

    Raises:
        UserError: for JSON that is damaged.
    """
    folders = _split_folders(root)
    info = _json(next(iter(folders.values())) / INFO) if folders else {}
    features = info.get("features")
    return features if isinstance(features, dict) else {}


def _split_folders(root: Path) -> dict[str, Path]:
    """The folders of the splits of a saved data set; one that has no splits is its own training split."""
    if (root / DICT).is_file():
        splits = _json(root / DICT).get("splits")
        names = splits if isinstance(splits, list) else []
        plain = [name for name in names if isinstance(name, str) and name == Path(name).name]
        folders = [root / name for name in plain if (root / name / INFO).is_file()]
        found = {canonical_split(folder.name): folder for folder in folders}
        lost = next((folder for folder in folders if folder not in found.values()), None)
        if lost is not None:
            other = found[canonical_split(lost.name)]
            raise UserError(f"{root}: {lost.name} and {other.name} both stand for one split: save them as one")
        return found
    return {"train": root} if (root / INFO).is_file() and (root / "state.json").is_file() else {}


def _json(path: Path) -> Mapping[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON ({error}): save the data set again") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} must hold an object: save the data set again")
    return value


def _columns(features: Mapping[str, object], kind: str) -> list[str]:
    return [name for name, one in features.items() if isinstance(one, dict) and one.get("_type") == kind]


def _labelled(folder: ImageFolder) -> Path | None:
    root = folder.root
    features = features_of(root) if root.is_dir() else {}
    return root if _columns(features, "Image") and len(_columns(features, "ClassLabel")) == 1 else None


def _by_column(folder: ImageFolder) -> Path | None:
    root = folder.root
    features = features_of(root) if root.is_dir() else {}
    return root if len(_columns(features, "Image")) > 1 else None


def _read(labelled: bool, folder: ImageFolder, choices: Choices) -> DataSet:
    """Write the images into the cache as a folder per domain, and read that."""
    root = folder.root
    reading = "labels" if labelled else "columns"
    said = f"-{stable_hash(list(choices.columns))}" if choices.columns else ""
    place = cache_folder() / "datasets" / f"{_fingerprint(root)}-{reading}{said}" / own_name(root)
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing_folder(place, shared=True) as scratch:
            for split, saved in _split_folders(root).items():
                _write_split(saved, split, scratch / split, labelled, choices.columns)
    return scan(place, Choices("domains", bool(choices.paired) if labelled else choices.paired is not False))


def _fingerprint(root: Path) -> str:
    """Of names and contents of all files of the data set."""
    digest = hashlib.blake2b(digest_size=16)
    for split, folder in sorted(_split_folders(root).items()):
        for path in sorted(path for path in folder.iterdir() if path.suffix in (".arrow", ".json")):
            digest.update(f"{split}\0{path.name}\0{content_hash(path)}\0".encode())
    return digest.hexdigest()


def _write_split(folder: Path, split: str, place: Path, labelled: bool, columns: Sequence[str] | None) -> None:
    table = _load(folder)
    reading = reading_of(table.features, columns, folder) if columns else _default(table.features, labelled)
    try:
        write_split(table, reading, split, place)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None


def _default(features: Mapping[str, object], labelled: bool) -> Reading:
    images = columns_of(features, "Image")
    if labelled:
        return Reading.by_class(images[0], *columns_of(features, "ClassLabel"))
    return Reading({name: name for name in images})


def _load(folder: Path) -> Table:
    """The rows of a split, images as the bytes of their files."""
    try:
        import datasets
    except ImportError:
        raise UserError(
            f"{folder} is a data set of Hugging Face: reading it takes their library, pip install 'i2i[hf]'"
        ) from None
    files = _json(folder / "state.json").get("_data_files")
    names = (
        [file.get("filename") if isinstance(file, dict) else None for file in files] if isinstance(files, list) else []
    )
    if not all(isinstance(name, str) and name == Path(name).name for name in names):
        raise UserError(f"{folder / 'state.json'} names files outside of {folder}: save the data set again")
    try:
        return undecoded(datasets.load_from_disk(str(folder)))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{folder} cannot be read as a data set ({error}): save it again") from None


BY_LABEL, BY_COLUMN = "a Hugging Face data set with class labels", "a Hugging Face data set with a column per domain"
HF_DATASETS = (
    Layout("datasets-labels", BY_LABEL, _labelled, partial(_read, True)),
    Layout("datasets-columns", BY_COLUMN, _by_column, partial(_read, False)),
)
