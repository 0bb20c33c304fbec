"""Whose features a bench compares: those of one extractor, or of several side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.score_file import score_file
from i2i.errors import Damaged, UserError
from i2i.metrics.registry import OF_CLASSIFIER

if TYPE_CHECKING:
    from i2i.metrics.features.extractors import ExtractorSpec


@dataclass(frozen=True)
class Features:
    """What was chosen.

    Attributes:
        first: the extractor of the main scores; None: the domain classifier.
        further: by the name of its features, each of the others.
        named: what to ask for when the bench goes on; None: the best whose weights are here.
    """

    first: "ExtractorSpec | None"
    further: "Mapping[str, ExtractorSpec | None]"
    named: str | None


def chosen(inception: Path | None, text: str | None, folder: ResultsFolder) -> Features:
    """The extractors that were named, tried out, else the best whose weights are here.

    Of several the first is the one in which the folder's scores are, so that none of them is made again.

    Args:
        inception: pytorch-fid's weights.
        text: extractors, separated by commas.
        folder: of the bench.

    Raises:
        UserError: an extractor that cannot be had or is named twice, or `inception` beside `text`.
    """
    from i2i.metrics.features.extractors import default_extractor, refuse_twice, split_extractors

    if text is not None and inception is not None:
        raise UserError("--inception and --extractor are two extractors: leave one out")
    if text is None:
        return _default(default_extractor(inception), inception is not None)
    named = [_named(own) for own in split_extractors(text)]
    names, specs = [name for name, _ in named], [spec for _, spec in named]
    refuse_twice(names)
    first = _there(names, folder) if len(names) > 1 else 0
    further = {name.removeprefix("FD-"): spec for name, spec in named if name != names[first]}
    return Features(specs[first], further, ",".join(map(_absolute, specs)))


def _default(spec: "ExtractorSpec | None", given: bool) -> Features:
    if spec and given:
        spec.build()  # as those that are named
    return Features(spec, {}, _absolute(spec) if given else None)


def _named(text: str) -> "tuple[str, ExtractorSpec | None]":
    """With the name of its features: what does not fit is to be known before hours of training."""
    from i2i.metrics.features.extractors import OWN_CLASSIFIER, parse_extractor

    if text == OWN_CLASSIFIER:
        return OF_CLASSIFIER, None
    spec = parse_extractor(text)
    return spec.build().name, spec


def _absolute(spec: "ExtractorSpec | None") -> str:
    """As an option takes it, wherever the bench goes on."""
    from i2i.metrics.features.extractors import OWN_CLASSIFIER

    return str(replace(spec, weights=spec.weights.absolute())) if spec else OWN_CLASSIFIER


def _there(names: Sequence[str], folder: ResultsFolder) -> int:
    """Which of these features the folder's scores are in; the first, if in none."""
    try:
        found = score_file(folder.real_scores())
    except Damaged:  # its job makes it again
        return 0
    name = found.features.name if found and found.features else ""
    return names.index(name) if name in names else 0
