"""The data set that settings name: a folder, an archive, a manifest, a built-in dataset, or several of them joined."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from i2i.config import DataConfig, Settings
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.layouts import Choices, DataSet, celeba, join, recognize
from i2i.data.layouts.archives import ENDINGS, is_archive, unpacked
from i2i.data.layouts.hf_hub import is_hub, local_place
from i2i.data.layouts.manifest import is_manifest
from i2i.data.layouts.registry import LAYOUTS
from i2i.data.synthetic.embedded import cache_place, cached
from i2i.errors import UserError
from i2i.labels import SEPARATOR, LabelSet, LabelSpace
from i2i.utils.cache_folder import cache_folder
from i2i.utils.progress import Progress

EMBEDDED = "embedded:"
"""What a data path begins with that names a built-in dataset, as in `embedded:seasons`."""


def open_data(config: DataConfig, progress: Progress | None = None) -> DataSet:
    """The data set of a config; an embedded one is drawn into the cache when it is not there.

    Raises:
        UserError: for a folder that is missing or of no known layout, or attributes that the data do not have.
    """
    if not isinstance(config, DataConfig):
        raise UserError(f"config is {type(config).__name__}: give a DataConfig, such as DataConfig(path='photos')")
    if config.sets:
        data = join({name: _open(config, path, progress) for name, path in config.sets.items()})
    else:
        data = _open(config, str(config.path or EMBEDDED + config.embedded), progress)
    if config.attributes and not data.labels.has_attributes:
        raise UserError(f"data.attributes fits no data set without an attribute list, and {data.root} has none")
    if not config.domains:
        return data
    chosen = data.restricted(config.domains)
    # Of a built-in dataset the others are nobody's images, which need not be told as left out.
    return chosen.trimmed() if is_embedded(config) else chosen


def is_embedded(config: DataConfig) -> bool:
    """Whether the data are a built-in dataset alone."""
    return not config.sets and str(config.path or EMBEDDED).startswith(EMBEDDED)


def pixel_cache(config: DataConfig) -> PixelCache:
    """Where the images of training runs and benches lie decoded, as large as the settings let it be."""
    return PixelCache(cache_folder() / "pictures", config.cache_gib)


def places_of(config: DataConfig) -> list[Path]:
    """The folders, archives and manifests that a config names, of those that lie on this machine.

    A folder holds whatever lies in it at any depth; of a manifest the images that it lists are places too.
    """
    given = config.sets.values() if config.sets else [str(config.path or EMBEDDED)]
    named = [located(path, config) for path in given if not path.startswith(EMBEDDED)]
    return [*named, *(image for place in named if is_manifest(place) for image in _images_of(place, config))]


def _images_of(manifest: Path, config: DataConfig) -> Iterator[Path]:
    """The images that a manifest lists, and none of one that cannot be read."""
    try:
        data = open_place(manifest, choices_of(config))
    except UserError:
        return
    for found in data.splits.values():
        for own in found.values():
            yield from (image.path for image in own)


def is_there(place: str | Path) -> bool:
    """Whether there is a folder or file of data, or they are of the Hub, or embedded and can be drawn."""
    return str(place).startswith(EMBEDDED) or is_hub(place) or Path(place).exists()


def find_data(config: DataConfig) -> DataSet | None:
    """The data set of a config if all of it lies on this machine and can be read, or None; nothing is drawn."""
    places = config.sets.values() if config.sets else [str(config.path or EMBEDDED + config.embedded)]
    embedded = [place.removeprefix(EMBEDDED) for place in places if place.startswith(EMBEDDED)]
    if not all(cache_place(name, config).is_dir() for name in embedded):
        return None
    try:
        return open_data(config)
    except UserError:
        return None


def settings_of(given: Sequence[str]) -> Settings:
    """The `data` settings that `--data` values stand for: one folder, or several as NAME=FOLDER.

    Raises:
        UserError: for several without names, or two of the same name.
    """
    if not given:
        return {}
    if len(given) == 1:
        (path,) = given
        if path.startswith(EMBEDDED):
            return {"path": None, "embedded": path.removeprefix(EMBEDDED)}
        return {"path": _absolute(path)}
    sets: dict[str, str] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not (name and equals and path):
            raise UserError(f"--data {one}: several data sets need names, as in --data faces=DIR --data moods=DIR2")
        if name in sets:
            raise UserError(f"--data names two data sets {name!r}: their domains could not be told apart")
        sets[name] = _absolute(path)
    return {"sets": sets}


def labels_of(names: Sequence[str], config: DataConfig) -> LabelSpace:
    """The label space that names of columns stand for, where there are no data that would say.

    Names `dataset/column` are those of several data sets, in order. The columns of a set are attributes if
    `data.attributes` lists them all or CelebA has attributes of these names, and exclusive domains otherwise.
    """
    columns: dict[str, list[str]] = {}
    for name in names:
        place, _, column = name.rpartition(SEPARATOR)
        columns.setdefault(place, []).append(column)
    return LabelSpace(tuple(_label_set(place, tuple(own), config) for place, own in columns.items()))


def _label_set(name: str, columns: tuple[str, ...], config: DataConfig) -> LabelSet:
    if not celeba.NAMES.union(config.attributes or ()).issuperset(columns):
        return LabelSet(columns, (columns,), name)
    groups = config.exclusive and [group for group in config.exclusive if set(group) <= set(columns)]
    return replace(celeba.label_set(columns, groups), name=name)


def is_drawn(data: Settings) -> bool:
    """Whether `data` settings name built-in datasets only."""
    return not data.get("path") and all(path.startswith(EMBEDDED) for path in (data.get("sets") or {}).values())


def _absolute(path: str) -> str:
    return path if path.startswith(EMBEDDED) or is_hub(path) else str(Path(path).absolute())


def _open(config: DataConfig, path: str, progress: Progress | None) -> DataSet:
    if path.startswith(EMBEDDED):
        return cached(path.removeprefix(EMBEDDED), config, progress)
    return open_place(located(path, config), choices_of(config))


def located(path: str | Path, config: DataConfig) -> Path:
    """Where the data of a path lie on this machine, also those of a name of the Hub.

    Raises:
        UserError: for those of the Hub that were not fetched.
    """
    return local_place(str(path), config.columns) if is_hub(path) else Path(path)


def choices_of(config: DataConfig) -> Choices:
    """What settings say about a place of data."""
    return Choices(config.layout, config.paired, config.attributes, config.exclusive, config.columns)


def open_place(place: Path, choices: Choices | None = None) -> DataSet:
    """The data of a folder, an archive or a manifest, in whatever layout it has.

    Raises:
        UserError: if there is nothing, or nothing that is known, or what could be read in two ways.
    """
    if place.is_file() and not (is_archive(place) or is_manifest(place)):
        raise UserError(
            f"{place} is a file of no known kind: give a folder, an archive ({', '.join(ENDINGS)}) "
            "or a manifest (.csv, .jsonl)"
        )
    root = unpacked(place) if place.is_file() and is_archive(place) else place
    return recognize(root, LAYOUTS, choices or Choices())
