"""Python values as the texts that options have, so that functions and commands go one way from there."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path

import yaml

from i2i.errors import UserError

Place = str | PathLike[str]
Data = Place | Mapping[str, Place]
"""A folder, archive, manifest or built-in dataset; or several with names, to learn jointly."""
Values = Mapping[str, object]


def data_texts(data: Data | None) -> list[str] | None:
    """What --data says; UserError for what is no place, or an empty dictionary."""
    if data is None:
        return None
    if isinstance(data, Mapping):
        if not data:
            raise UserError("data is {}: name folders in it, or leave it out for the built-in dataset")
        return [f"{name}={_place('data', place)}" for name, place in data.items()]
    return [_place("data", data)]


def path_of(name: str, place: Place | None) -> Path | None:
    """The path that an argument is, if it is given."""
    return None if place is None else Path(_place(name, place))


def size_text(size: int | str | Sequence[int] | None) -> str | None:
    """`64` and `64x128` for a side and for height and width."""
    if size is None or isinstance(size, int | str):
        return None if size is None else str(size)
    return "x".join(map(str, size))


def listed(values: str | Iterable[object] | None) -> str | None:
    """Values with commas between; a text is one value, or has the commas already."""
    if values is None or isinstance(values, str):
        return values
    if not isinstance(values, Iterable):
        raise UserError(f"{values!r} is no list: give texts or numbers in a list, or as one text with commas between")
    return ",".join(map(str, values))


def assigned(values: str | Mapping[str, object] | None) -> str | None:
    """`images=400` for a dictionary of one or more values."""
    return listed([f"{name}={value}" for name, value in values.items()] if isinstance(values, Mapping) else values)


def assignments(settings: Values | None) -> list[str] | None:
    """What --set says, of settings by their names (`"train.images": 9`) or in sections (`"train": {"images": 9}`).

    Raises:
        UserError: for settings that are no dictionary, values that no file of settings could hold, or two of a name.
    """
    if settings is None:
        return None
    if not isinstance(settings, Mapping):
        raise UserError(f"settings is {settings!r}: give a dictionary, such as {{'train.images': 20000}}")
    texts: dict[str, str] = {}
    for name, value in _flat(settings):
        text = _yaml(name, value)
        if texts.setdefault(name, text) != text:
            raise UserError(f"settings give {name} as {texts[name]} and as {text}: leave one out")
    return [f"{name}={text}" for name, text in texts.items()]


def _flat(settings: Values) -> Iterable[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and "." not in name:
            yield from ((f"{name}.{inner}", one) for inner, one in value.items())
        else:
            yield name, value


def _yaml(name: str, value: object) -> str:
    if isinstance(value, str | PathLike):
        value = fspath(value)
    try:
        return yaml.safe_dump(value, default_flow_style=True, width=1_000_000).removesuffix("...\n").strip()
    except yaml.YAMLError:
        raise UserError(
            f"settings={{{name!r}: {value!r}}} holds {type(value).__name__}: give numbers, texts, lists or dictionaries"
        ) from None


def _place(name: str, place: object) -> str:
    if isinstance(place, str | PathLike):
        return str(fspath(place))
    raise UserError(f"{name} is {place!r}: give the path of a file or folder")
