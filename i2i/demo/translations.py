"""What the button of the page asks for: an uploaded file through chosen methods, towards chosen domains."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from i2i.data.image_files.images import Preprocess, write_image
from i2i.demo.methods import Loader, Method, domains_of, native
from i2i.demo.uploads import check_upload
from i2i.errors import UserError
from i2i.inference.translate_files import (
    Translation,
    as_image,
    full_resolution,
    resized,
    samples_of,
    sides,
    source_of_any,
    translation,
)
from i2i.runs.load import require_checkpoint

MOST_SAMPLES = 8
MOST_STEPS = 1_000
ASK = "choose the domain of the image:\nits values mean something else in each"
VALUES = "values"
"""Folder of what can be downloaded beyond 8 bits."""


@dataclass(frozen=True)
class DemoRequest:
    """What was chosen on the page.

    Attributes:
        image: the uploaded file.
        source: domain of the image; None: any.
        targets: domains, or changes of attributes.
        full: at the image's own size, in tiles where it is large.
        samples: how many translations by methods that take noise.
        seed: of the noise.
        reference: an image to take after, for methods that take one.
        sampling_steps: of iterative methods; None: their own number.
    """

    image: Path
    source: str | None = None
    targets: Sequence[str] = ()
    full: bool = False
    samples: int = 1
    seed: int = 0
    reference: Path | None = None
    sampling_steps: int | None = None


@dataclass(frozen=True)
class Made:
    """A translation.

    Attributes:
        path: a PNG file of 8 bits, which is shown.
        caption: what to write below it.
        file: what can be downloaded, of the target's kind, type and range; of 8 bits the same file.
    """

    path: Path
    caption: str
    file: Path


def translate(request: DemoRequest, methods: Sequence[Method], loader: Loader, out: Path) -> Iterator[Made]:
    """The prepared input, then each translation as soon as it is made, written into the folder `out`.

    Beyond 8-bit RGB all of them are shown by the rendering of their domain.

    Raises:
        UserError: for an upload that is not taken, or what no method can do; the text has no path of this machine.
    """
    for upload in (request.image, *([request.reference] if request.reference else ())):
        check_upload(upload, native(methods))
    if not request.targets:
        raise UserError("choose at least one target")
    ways = [way for target in request.targets for method in methods if (way := _way(method, request, target))]
    if not ways:
        targets = ", ".join(domains_of(methods, 1))
        raise UserError(
            f"no chosen model translates {request.source or 'this'} to {', '.join(request.targets)}: {targets}"
        )
    if request.source is None and native(methods):
        _check_alike(ways)
    yield _input(request, ways[0], loader, out)
    for way in ways:
        yield from _by(way, request, loader, out)


@dataclass(frozen=True)
class _Way:
    """A method towards a target, which is a domain or, `labelled`, changes of attributes; `run` translates there."""

    method: Method
    source: str
    target: str
    run: Path
    labelled: bool


def _way(method: Method, request: DemoRequest, target: str) -> _Way | None:
    """How a method translates to a target; None if it does not."""
    directions = [
        direction for direction in method.runs if direction[1] == target and request.source in (None, direction[0])
    ]
    labelled = not directions and not any(direction[1] == target for direction in method.runs)
    directions = directions or (list(method.runs)[:1] if labelled else [])  # changes of attributes are no domain
    if not directions:
        return None
    return _Way(method, directions[0][0], target, method.runs[directions[0]], labelled)


def _check_alike(ways: Sequence[_Way]) -> None:
    """UserError where the image would be of one domain for one way, and of another whose values differ for the next."""
    if len({require_checkpoint(way.run).preprocess.formats.get(way.source) for way in ways}) > 1:
        raise UserError(ASK)


def _by(way: _Way, request: DemoRequest, loader: Loader, out: Path) -> Iterator[Made]:
    """The translations of one method to one target."""
    translator, preprocess = loader(way.run)
    takes, plain = translator.takes, _translation(way, request, loader)
    _, after = sides(plain, preprocess)
    asked = replace(
        plain,
        seed=request.seed if "noise" in takes else 0,
        reference=as_image(request.reference, after) if request.reference and "reference" in takes else None,
        sampling_steps=request.sampling_steps if "sampling_steps" in takes else None,
    )
    distinct, _ = samples_of(replace(asked, seed=0), request.samples)
    for sample in range(distinct):
        one = replace(asked, sample=sample)
        whole = request.full and not translator.bound_to_size
        convert = full_resolution(one, preprocess) if whole else resized(one, preprocess)
        (values,) = convert([request.image])
        number = f", {sample + 1}" if sample else ""
        yield _written(values, f"{way.method.name} to {way.target}{number}", out, after)


def _translation(way: _Way, request: DemoRequest, loader: Loader) -> Translation:
    """How the image is to be translated; UserError where it is not said of which domain it is, and that matters."""
    translator, preprocess = loader(way.run)
    if preprocess.formats and request.source is None and source_of_any(translator, preprocess, way.target) is None:
        raise UserError(ASK)
    given = request.source or (None if "labels" in translator.takes else way.source)
    return translation(translator, None if way.labelled else given, way.target, loader.device)


def _input(request: DemoRequest, way: _Way, loader: Loader, out: Path) -> Made:
    """The image as the method sees it, which its translations are compared with."""
    before, _ = sides(_translation(way, request, loader), loader(way.run)[1])
    pixels = before.both_of(request.image)[1] if request.full else before.pixels_of(request.image)
    return _shown(before.shown(pixels), "input", out)


def _written(values: np.ndarray, caption: str, out: Path, after: Preprocess) -> Made:
    """A translation; beyond 8 bits its file lies beside what is shown of it."""
    made = _shown(after.shown(values), caption, out)
    if after.own is None:
        return made
    (out / VALUES).mkdir(exist_ok=True)
    file = out / VALUES / made.path.with_suffix(after.suffix).name
    after.write(file, values)
    return replace(made, file=file)


def _shown(pixels: np.ndarray, caption: str, out: Path) -> Made:
    """A file of a harmless name, whatever methods and domains are called."""
    number = len(list(out.glob("*.png")))
    path = out / f"{number}-{re.sub(r'[^A-Za-z0-9+-]+', '-', caption).strip('-')[:80]}.png"
    write_image(path, pixels)
    return Made(path, caption, path)
