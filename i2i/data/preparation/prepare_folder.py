"""The command that prepares a data folder: what to read, where to write, what to print."""

from pathlib import Path
from typing import cast

from i2i.config import DataConfig, Settings, validate
from i2i.data.audit.skip_bad import find_bad, lines, without
from i2i.data.audit.unrecognized import diagnose
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.data.layouts.i2i_json import Division
from i2i.data.layouts.manifest import is_manifest
from i2i.data.open import choices_of, located, open_data, places_of
from i2i.data.pixel_formats import formats_of
from i2i.data.preparation.groups import groups_of
from i2i.data.preparation.resize import SUFFIXES, Format, prepare, write_card
from i2i.data.preparation.split import Shares, describe, divide, parse_shares
from i2i.data.preparation.unsplit import read_undivided
from i2i.errors import NoLayout, UserError
from i2i.utils.atomic_write import new_folder
from i2i.utils.given_paths import refuse_among_inputs
from i2i.utils.progress import Progress


def prepare_folder(
    settings: Settings,
    out: Path,
    split: str | None = None,
    seed: int = 0,
    format: str = "png",
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[str]:
    """Write a data folder again, resized; returns what was done, for people to read.

    Args:
        settings: section `data`, which names the folder and the image size.
        out: a folder that does not exist or is empty; it appears when all is written.
        split: shares of train, val and test, for what `read_undivided` knows.
        seed: of that division.
        format: `png` or `jpeg`; files beyond 8-bit RGB stay of their kind.
        skip_bad: leave out files that cannot be decoded, of pairs both.
        progress: called with images done and in total.

    Raises:
        UserError: for a folder that is not understood, has splits when it is to be divided or has none when not, an
            image that cannot be decoded, or a place that cannot be written.
    """
    config = validate(DataConfig, settings.get("data", {}), "data")
    if format not in SUFFIXES:
        raise UserError(f"--format {format} is none: choose {' or '.join(SUFFIXES)}")
    shares = parse_shares(split) if split is not None else None
    refuse_among_inputs(out, places_of(config))
    data, notes = (_opened(config), []) if shares is None else _divided(config, shares, seed, progress)
    notes = [data.recognized, *notes]
    if skip_bad:
        bad = find_bad(data, data.splits)
        data = without(data, bad)
        notes += lines(bad, data.root) if bad else []
    config = _with_formats(config, data, format)
    with new_folder(out) as partial:
        place = config.path if config.path and is_manifest(config.path) else None
        notes += prepare(data, partial, Preprocess.of(config), cast(Format, format), progress, place)
        write_card(data, partial, Division(seed=seed, shares=shares) if shares else None, config.pixel_formats)
    return [*notes, f"prepared {out}: {describe(data)}"]


def _with_formats(config: DataConfig, data: DataSet, format: Format | str) -> DataConfig:
    """The config with what the values of data beyond 8-bit RGB are; UserError as `with_formats`, and for JPEG files."""
    if data.native and format != "png":
        raise UserError(
            f"{data.root} holds data beyond 8-bit RGB, and {format} files hold 8 bits:\nleave --format out, and files "
            "stay of their kind"
        )
    return config.model_copy(update={"pixel_formats": formats_of(config, data)})


def _opened(config: DataConfig) -> DataSet:
    place = _place(config)
    try:
        return open_data(config)
    except NoLayout as error:
        hint = diagnose(place, config.image_size)
        raise UserError(f"{error}\n{hint}" if hint else str(error)) from None


def _divided(config: DataConfig, shares: Shares, seed: int, progress: Progress | None) -> tuple[DataSet, list[str]]:
    """The divided data, and what stays together."""
    whole = read_undivided(_place(config), choices_of(config))
    together, notes = groups_of(whole, progress)
    data = divide(whole, shares, seed, together)
    notes = [*notes, f"divided with seed {seed}"]
    return data.restricted(config.domains) if config.domains else data, notes


def _place(config: DataConfig) -> Path:
    if config.path is None:
        raise UserError("name a data folder: i2i data prepare DIR")
    return located(config.path, config)
