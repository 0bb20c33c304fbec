"""Trained translators of run folders and of the Hub, for tensors and for images of any kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from i2i.api.images import Images
from i2i.api.progress import counting
from i2i.api.python_messages import pythonic
from i2i.conversion.hub import fetch, load_folder
from i2i.data.image_files.images import Preprocess
from i2i.errors import UserError, unknown
from i2i.inference.frames import Flicker, check_places, translate_frames
from i2i.inference.in_memory import (
    Given,
    as_files,
    check_array,
    refuse_formats,
    translate_arrays,
    translate_images,
)
from i2i.inference.interpolation import Interpolation, check_ends, interpolated
from i2i.inference.translate_files import Translation, as_image, one_for_all, samples_of, translation_of
from i2i.registry import name_of
from i2i.runs.checkpoint import Weights
from i2i.runs.load import load_translator
from i2i.translator import Translator
from i2i.utils import console
from i2i.utils.given_paths import check_file, check_texts, given_path, marks
from i2i.utils.memory import usable_device


class TranslationOptions(TypedDict, total=False):
    """What a translation may be asked for beside the target, as `translate` says it."""

    source: str | None
    seed: int
    reference: Given | None
    sampling_steps: int | None


TENSOR_OPTIONS = ("seeds", "reference", "sampling_steps")
"""What the translation of a tensor may be asked for, as `Translator.translate` says it."""


class How(TranslationOptions, total=False):
    """The same, and the size."""

    full_resolution: bool


@dataclass(frozen=True, repr=False)
class LoadedTranslator:
    """A trained translator together with what prepares images for it; it has all that the translator has besides.

    Attributes:
        translator: the module, in evaluation mode.
        preprocess: how images become its input.
        device: where it was put.
    """

    translator: Translator
    preprocess: Preprocess
    device: torch.device

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "translator":  # asked for while it is copied or unpickled
            raise AttributeError(name)
        return getattr(self.translator, name)

    def __repr__(self) -> str:
        task = self.translator.task
        height, width = task.image_size
        return f"<{name_of(type(self.translator))}: {', '.join(task.domains)}; {height}x{width} pixels; {self.device}>"

    @overload
    def translate(
        self,
        images: Tensor,
        source: str | None,
        target: str,
        attributes: Sequence[str] | None = None,
        *,
        seeds: Sequence[int] | None = None,
        reference: Tensor | None = None,
        sampling_steps: int | None = None,
    ) -> Tensor: ...

    @overload
    def translate(  # type: ignore[overload-overlap]  # a text is no list of paths
        self, images: Given, target: str, **how: Unpack[How]
    ) -> Image.Image: ...

    @overload
    def translate(self, images: Sequence[Given], target: str, **how: Unpack[How]) -> Images: ...

    @overload
    def translate(
        self, images: Given | Sequence[Given], target: str, *, samples: int, **how: Unpack[How]
    ) -> Image.Image | Images: ...

    def translate(
        self, images: Tensor | Given | Sequence[Given], *directions: object, **how: object
    ) -> Tensor | Image.Image | Images:
        """Translate images: a tensor as `Translator.translate` does, else as `i2i translate` does files.

        `translate("photo.jpg", "winter")` gives a PIL image, a list a list of them; `translate(tensor, "summer",
        "winter")` a tensor. The arguments besides are those of `i2i.translate` and of `Translator.translate`.

        Of a model of data beyond 8-bit RGB the images are renderings of 8 bits, for the eye: the domain's `bands`
        within its `window`, as grids show them. `translate_arrays` gives the values, and `save_array` writes them.

        Raises:
            UserError: for what is no image, or what the model does not do; the text lists what is allowed.
        """
        of_tensor = isinstance(images, Tensor)
        of_kind: Callable[..., Tensor | Image.Image | Images] = pythonic(
            self.translator.translate if of_tensor else self._translate_given
        )
        _check_call(of_tensor, directions, how)
        return of_kind(images, *directions, **how)

    @pythonic
    def _translate_given(
        self,
        images: Given | Sequence[Given],
        target: str,
        *,
        samples: int = 1,
        full_resolution: bool = False,
        **how: Unpack[TranslationOptions],
    ) -> Image.Image | Images:
        one, several = _listed(images)
        asked = self._asked(target, **how)
        made = [
            translate_images(replace(asked, sample=sample), self.preprocess, several, full_resolution)
            for sample in range(_distinct(asked, samples))
        ]
        return made[0][0] if one and samples == 1 else Images(one for alike in zip(*made, strict=True) for one in alike)

    @pythonic
    def translate_arrays(
        self,
        images: Given | Sequence[Given],
        target: str,
        *,
        full_resolution: bool = False,
        **how: Unpack[TranslationOptions],
    ) -> np.ndarray | list[np.ndarray]:
        """Translate into arrays [H, W, C] of values as files of the target domain hold them, of its type and range.

        It is for models of data beyond 8-bit RGB, and gives uint8 for others.

        Args:
            images: files, or arrays [H, W] or [H, W, C] of the values that files of the source hold; one or several.
            target: as `translate` takes it, like the other arguments that are not named here.
            full_resolution: keep the size of the images.

        Returns:
            An array, or for several images a list.

        Raises:
            UserError: for what is no image, or what the model does not do.
        """
        one, several = _listed(images)
        made = translate_arrays(self._alone(target, **how), self.preprocess, several, full_resolution)
        return made[0] if one else made

    @pythonic
    def save_array(self, values: np.ndarray, target: str, path: str | Path, like: str | Path | None = None) -> None:
        """Write what `translate_arrays` has given as the command writes it: a file of the target's kind and type.

        Args:
            values: [H, W, C] of the target's type.
            target: domain that they were translated to.
            path: the file; its ending is that of the target's files, such as `.png`.
            like: the file that was translated, whose geometry a TIFF file of the same size takes over.

        Raises:
            UserError: for another ending or type, an unknown domain, or a folder that is missing.
        """
        self.translator.task.index(target)
        place, after = given_path("path", path), self.preprocess.of_domain(target)
        check_file(place, "path")
        check_array(values, place, after)
        geometry = None if like is None else given_path("like", like)
        if geometry is not None and marks(place) & marks(geometry):
            raise UserError(f"{place} is the file that was translated: choose another path")
        after.write(place, values, geometry)

    @pythonic
    def translate_frames(
        self,
        given: str | Path,
        target: str,
        out: str | Path,
        *,
        full_resolution: bool = False,
        rate: float | None = None,
        overwrite: bool = False,
        **how: Unpack[TranslationOptions],
    ) -> Flicker:
        """Translate the frames of a folder or video into a folder or video, as `i2i video` does, all with one noise.

        Args:
            given: a folder of frames, or a video file.
            target: as `translate` takes it, like the other arguments that are not named here.
            out: a new folder, or a video file.
            full_resolution: keep the size of the frames.
            rate: frames per second of a video; None: those of the given one, else 25.
            overwrite: replace what is there.

        Returns:
            How much the frames change, and how much their translations; printed it is a sentence.

        Raises:
            UserError: for frames that cannot be read or written, or a missing extra.
        """
        refuse_formats(self.preprocess, "frames of a video")
        asked, places = self._alone(target, **how), (given_path("given", given), given_path("out", out))
        reference = how.get("reference")
        check_places(*places, overwrite, Path(reference) if isinstance(reference, str | Path) else None)
        with counting("translating frames") as progress:
            return translate_frames(asked, self.preprocess, *places, full_resolution, rate, progress)

    @pythonic
    def interpolate(
        self,
        image: Given,
        target: str,
        to: str | None = None,
        *,
        steps: int = 8,
        source: str | None = None,
        seed: int = 0,
        to_seed: int | None = None,
        reference: Given | None = None,
        to_reference: Given | None = None,
        sampling_steps: int | None = None,
    ) -> Interpolation:
        """What lies between two translations of an image, as `i2i interpolate` makes it: frames, a strip, a GIF.

        Args:
            image: as `translate` takes it.
            target: of the first frame.
            to: target of the last; None: that of the first.
            seed: of the first.
            to_seed: of the last; None: that of the first.
            reference: of the first.
            to_reference: of the last; None: that of the first.
            steps: frames, the ends among them.
            source: domain of the image, or what it has.
            sampling_steps: of an iterative model.

        Raises:
            UserError: for a model that is led by neither labels nor styles, or ends that are the same.
        """
        last_seed = seed if to_seed is None else to_seed
        first = self._asked(target, source, seed, reference, sampling_steps)
        last = self._asked(to or target, source, last_seed, to_reference, sampling_steps)
        ends = first, last if to_reference is not None else replace(last, reference=first.reference)
        check_ends(ends, self.preprocess)
        with as_files([image], native=bool(self.preprocess.formats)) as (path,):
            return interpolated(ends, self.preprocess, path, steps)

    def _asked(
        self,
        target: str,
        source: str | None = None,
        seed: int = 0,
        reference: Given | None = None,
        sampling_steps: int | None = None,
    ) -> Translation:
        check_texts(target=target, source="" if source is None else source)
        plain, _, after = translation_of(self.translator, self.preprocess, source, target, self.device)
        with as_files([] if reference is None else [reference], bool(self.preprocess.formats)) as files:
            return replace(
                plain,
                seed=seed,
                reference=as_image(files[0], after) if files else None,
                sampling_steps=sampling_steps,
            )

    def _alone(self, target: str, **how: Unpack[TranslationOptions]) -> Translation:
        """What is asked for, one translation of each image."""
        asked = self._asked(target, **how)
        samples_of(asked, 1)  # which refuses a seed that makes no difference
        return asked


def _check_call(of_tensor: bool, directions: Sequence[object], how: Mapping[str, object]) -> None:
    """UserError for a call of `translate` with arguments that it does not have, or without some that it needs."""
    needed = ("source", "target") if of_tensor else ("target",)
    further = TENSOR_OPTIONS if of_tensor else (*How.__annotations__, *TranslationOptions.__annotations__, "samples")
    unnamed = needed + (("attributes",) if of_tensor else ())
    shown = "tensor" if of_tensor else "images"
    for name in how:
        if name not in (*unnamed, *further):
            raise unknown("argument", name, (*unnamed, *further))
    if len(directions) > len(unnamed) or any(name in how for name in unnamed[: len(directions)]):
        raise UserError(f"translate has arguments too many: call it as translate({shown}, {', '.join(needed)})")
    if any(name not in how for name in needed[len(directions) :]):
        call = f"translate({shown}, {', '.join(needed)})"
        raise UserError(f"translate of {shown} needs {' and '.join(needed)}: call it as {call}")


def _distinct(asked: Translation, samples: int) -> int:
    """How many different translations of an image there are of `samples`; it is told where they are fewer."""
    distinct, reason = samples_of(asked, samples)
    if distinct < samples:
        console.note(one_for_all(reason))
    return distinct


def _listed(images: Given | Sequence[Given]) -> tuple[bool, Sequence[Given]]:
    """Whether it is one image, and all of them."""
    one = isinstance(images, str | Path | Image.Image | np.ndarray)
    return one, cast("Sequence[Given]", [images] if one else images)


@pythonic
def load(run: str | Path, device: torch.device | str = "cpu", weights: Weights | None = None) -> LoadedTranslator:
    """The trained translator of a run folder, in evaluation mode.

    Example: `i2i.load("runs/h2z").translate("horse.jpg", "zebra")` gives a PIL image.

    Args:
        run: the run folder.
        device: where to put it.
        weights: `last`, `ema` or `best`; None: those that the method translates with.

    Raises:
        UserError: if there is no checkpoint or it does not fit, or no such device.
    """
    check_texts(weights="last" if weights is None else weights)
    place = usable_device(device)
    return LoadedTranslator(*load_translator(given_path("run", run), place, weights), place)


@pythonic
def translate(
    run: str | Path | LoadedTranslator,
    images: Given | Sequence[Given],
    target: str,
    source: str | None = None,
    *,
    full_resolution: bool = False,
    samples: int = 1,
    seed: int = 0,
    reference: Given | None = None,
    sampling_steps: int | None = None,
    device: torch.device | str = "cpu",
    weights: Weights | None = None,
) -> Image.Image | Images:
    """Translate an image, or a list of them, with the model of a run folder: paths, PIL images or arrays in, PIL out.

    The results are those of the command; beyond 8-bit RGB they are shown in 8 bits, and `translate_arrays` of what is
    loaded gives the values. Example: `i2i.translate("runs/h2z", "horse.jpg", "zebra").save("zebra.png")`.
    Who translates more than once takes `load(run).translate`, which reads the model once.

    Args:
        run: the run folder, or what `load` has made of it.
        images: files, PIL images, or arrays uint8 [H, W, 3] or [H, W]; beyond 8 bits of the source's values.
        target: domain, or changes of attributes such as `+Blond_Hair`.
        source: domain of the images, or their attributes; None where the model need not know.
        full_resolution: keep the size of every image, large ones in tiles; else that of the training.
        samples: translations of each image, with other noise each time; of more than 1 a list, image by image.
        seed: of the noise, for a model that takes noise, beside the names of files or the places in the list.
        reference: an image to take after, for a model that takes one.
        sampling_steps: of an iterative model; None: its own number.
        device: where to translate; what is loaded stays where it is.
        weights: `last`, `ema` or `best`; None: those that the method translates with.

    Raises:
        UserError: for what is no image, or what the model does not do; the text lists what is allowed.
    """
    loaded = run if isinstance(run, LoadedTranslator) else load(run, device, weights)
    return loaded.translate(
        cast("Sequence[Given]", images),
        target,
        source=source,
        full_resolution=full_resolution,
        samples=samples,
        seed=seed,
        reference=reference,
        sampling_steps=sampling_steps,
    )


@pythonic
def from_pretrained(
    source: str | Path, device: torch.device | str = "cpu", revision: str | None = None
) -> LoadedTranslator:
    """The translator of an exported folder or of a repository on the Hugging Face Hub, in evaluation mode.

    Args:
        source: a folder, or OWNER/NAME of a repository.
        device: where its weights go.
        revision: branch, tag or commit of the repository.

    Raises:
        UserError: if there is neither, or its files are damaged or do not belong together, or there is no
            such device.
    """
    check_texts(revision="" if revision is None else revision)
    folder, place = given_path("source", source), usable_device(device)
    return LoadedTranslator(*load_folder(folder if folder.is_dir() else fetch(str(source), revision), place), place)
