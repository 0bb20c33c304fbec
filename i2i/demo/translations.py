"""What the button of the page asks for: an uploaded file through chosen methods, towards chosen domains."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from i2i.data.decoding.images import read_image, write_image
from i2i.demo.methods import Loader, Method, domains_of
from i2i.demo.uploads import check_upload
from i2i.errors import UserError
from i2i.inference.translate_files import as_image, full_resolution, resized, samples_of, translation

MOST_SAMPLES = 8
MOST_STEPS = 1_000


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
    """A translation: its PNG file and what to write below it."""

    path: Path
    caption: str


def translate(request: DemoRequest, methods: Sequence[Method], loader: Loader, out: Path) -> list[Made]:
    """All translations, written into the folder `out`, with the prepared input ahead of them.

    Raises:
        UserError: for an upload that is not taken, or what no method can do; the text has no path of this machine.
    """
    check_upload(request.image)
    if request.reference:
        check_upload(request.reference)
    if not request.targets:
        raise UserError("choose at least one target")
    shown = _input(request, methods[0], loader, out)
    made = [
        one for target in request.targets for method in methods for one in _by(method, request, target, loader, out)
    ]
    if not made:
        targets = ", ".join(domains_of(methods, 1))
        raise UserError(
            f"no chosen model translates {request.source or 'this'} to {', '.join(request.targets)}: {targets}"
        )
    return [shown, *made]


def _by(method: Method, request: DemoRequest, target: str, loader: Loader, out: Path) -> Iterator[Made]:
    """The translations of one method to one target; none if it does not translate to it."""
    directions = [
        direction for direction in method.runs if direction[1] == target and request.source in (None, direction[0])
    ]
    labelled = not directions and not any(direction[1] == target for direction in method.runs)
    directions = directions or (list(method.runs)[:1] if labelled else [])  # changes of attributes are no domain
    for source, _ in directions[:1]:
        translator, preprocess = loader(method.runs[directions[0]])
        takes, given = translator.takes, request.source or (None if "labels" in translator.takes else source)
        asked = replace(
            translation(translator, None if labelled else given, target, loader.device),
            seed=request.seed if "noise" in takes else 0,
            reference=as_image(request.reference, preprocess) if request.reference and "reference" in takes else None,
            sampling_steps=request.sampling_steps if "sampling_steps" in takes else None,
        )
        distinct, _ = samples_of(replace(asked, seed=0), request.samples)
        for sample in range(distinct):
            one = replace(asked, sample=sample)
            whole = request.full and not translator.bound_to_size
            convert = full_resolution(one, preprocess) if whole else resized(one, preprocess)
            (pixels,) = convert([request.image])
            number = f", {sample + 1}" if sample else ""
            yield _written(pixels, f"{method.name} to {target}{number}", out)


def _input(request: DemoRequest, method: Method, loader: Loader, out: Path) -> Made:
    """The image as the method sees it, which its translations are compared with."""
    _, preprocess = loader(next(iter(method.runs.values())))
    image = read_image(request.image)
    return _written(preprocess.whole(image) if request.full else preprocess(image), "input", out)


def _written(pixels: np.ndarray, caption: str, out: Path) -> Made:
    """A file of a harmless name, whatever methods and domains are called."""
    path = out / f"{len(list(out.iterdir()))}-{re.sub(r'[^A-Za-z0-9+-]+', '-', caption).strip('-')[:80]}.png"
    write_image(path, pixels)
    return Made(path, caption)
