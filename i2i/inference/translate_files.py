"""Translating files: which images, which direction, at which size, where the results go."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from i2i.data.image_files.images import Preprocess, to_arrays
from i2i.data.layouts.image_folder import ImageFolder, LeftOut, left_out_line
from i2i.errors import UserError
from i2i.inference.norm_statistics import held_statistics
from i2i.inference.tile_statistics import PASSES, image_statistics
from i2i.inference.tiling import AT_ONCE, SIDE, Translate, in_full, in_tiles, tiling
from i2i.translator import Coverage, Translator
from i2i.translator.request import LARGEST_SEED, sample_name
from i2i.utils.given_paths import marks, refuse_among_inputs
from i2i.utils.memory import freed_memory_kept
from i2i.utils.progress import Progress
from i2i.utils.safe_paths import check_length
from i2i.utils.text import option
from i2i.utils.wording import number

BATCH = 16
MOST_SAMPLES = 1_000
"""Translations of one image that may be asked for."""

Files = list[tuple[Path, Path]]
"""Images and the names of their translations, relative to the output folder."""

Convert = Callable[[Sequence[Path]], Iterable[np.ndarray]]
"""Some images to their translations, each [H, W, C] as files hold it: uint8, or as the target's format says."""


Write = Callable[[Path, np.ndarray, Path], None]
"""What writes a translation [H, W, C] of a file."""


def collect(inputs: Sequence[Path], out: Path | None = None) -> Files:
    """All images among files, folders and patterns; folders are listed as everywhere and their trees kept.

    A translation has the name of its image and the suffix .png. Images whose names differ in the suffix alone keep
    it: `a.tif` and `a.jpg` become `a.tif.png` and `a.jpg.png`. What is named twice is translated once.

    Raises:
        UserError: for a missing or empty input, two images of the same name in the same place, or translations that
            would lie in a folder among the inputs, where they would be taken for images like the others.
    """
    places = [place for given in inputs for place in _places(given)]
    if out is not None:
        refuse_among_inputs(out, filter(Path.is_dir, places))
    named = list(dict.fromkeys(found for place in places for found in _images_of(place)))
    shared = Counter(name.with_suffix("") for _, name in named)
    files = [
        (path, name.with_name(f"{name.name if shared[name.with_suffix('')] > 1 else name.stem}.png"))
        for path, name in named
    ]
    for path, name in files:
        check_length(name.name, path)
    _refuse_collisions(files)
    return files


def left_out(inputs: Sequence[Path]) -> list[LeftOut]:
    """What lies in the folders among the inputs and is not translated."""
    return [group for given in inputs for place in _places(given) for group in ImageFolder(place).left_out]


def _images_of(place: Path) -> Files:
    """Images and their own names below a file or folder."""
    if place.is_file():
        return [(place, Path(place.name))]
    folder = ImageFolder(place)
    if not folder.images:
        notes = "".join(f"; {line}" for line in left_out_line(folder.left_out))
        raise UserError(f"there are no images in {place}{notes}")
    return [(path, Path(*parts)) for path, parts in zip(folder.paths, folder.images, strict=True)]


def _places(given: Path) -> list[Path]:
    """What was given, or the files and folders of a pattern such as `big/*.tif` that no shell has expanded."""
    if given.exists():
        return [given]
    try:
        matches = sorted(Path(given.anchor).glob(str(given.relative_to(given.anchor))))
    except ValueError:
        matches = []
    if not matches:
        raise UserError(f"there is no image or folder {given}: check the path")
    return matches


def direction(translator: Translator, source: str | None, target: str) -> tuple[str, str]:
    """The direction to `target`, a domain; a source that is not given is any the model translates from.

    Raises:
        UserError: for an unknown target, or one that the model does not translate to.
    """
    task = translator.task
    task.index(target)
    if source is not None:
        return source, target
    sources = [a for a, b in task.directions if b == target]
    if not sources:
        targets = ", ".join(sorted({b for _, b in task.directions}))
        raise UserError(f"this model does not translate to {target}, only to {targets}")
    if len(sources) > 1 and translator.coverage is not Coverage.ALL:
        choices = " or ".join(option("--source", domain) for domain in sources)
        raise UserError(f"say which domain the images are of: {choices}")
    return sources[0], target


@dataclass(frozen=True)
class Translation:
    """A function of images in [-1, 1] that gives their translations, on the CPU.

    Attributes:
        translator: who translates.
        device: where it is.
        source: domain of the images; None: the model need not know.
        target: domain, or changes of attributes.
        described: what the images have, for a model led by attributes; None: it need not know, or looks.
        sample: which of several translations of the same images, from 0.
        seed: of the noise of all images, beside their names.
        seeds: of the noise of the images that are given, for a model that takes noise.
        reference: an image [1, C, H, W] to take after, for a model that takes one.
        sampling_steps: for a model that takes them; None: its own number.
        one_noise: whether all files have the same noise, whatever their names are.
    """

    translator: Translator
    device: torch.device
    source: str | None
    target: str
    described: str | None = None
    sample: int = 0
    seed: int = 0
    seeds: Sequence[int] | None = None
    reference: Tensor | None = None
    sampling_steps: int | None = None
    one_noise: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        """Translate [B, C, H, W], any sides that the translator takes."""
        attributes = None if self.described is None else [self.described] * len(images)
        return self.translator.translate(
            images.to(self.device),
            self.source,
            self.target,
            attributes,
            seeds=self.seeds,
            reference=self.reference,
            sampling_steps=self.sampling_steps,
        ).cpu()

    def check(self) -> None:
        """UserError for a direction that the translator does not have, or what it does not take."""
        given = {"noise": self.seeds, "reference": self.reference, "sampling_steps": self.sampling_steps}
        self.translator.check_asked(self.source, self.target, given)

    def of_files(self, paths: Sequence[Path]) -> "Translation":
        """The same with the noise of these files: of their names, the number of the sample, and the seed alone."""
        samples = [sample_name("" if self.one_noise else path.stem, self.sample) for path in paths]
        return replace(self, seeds=self.translator.seeds_of(samples, self.seed))

    def seeing(self, image: Tensor) -> "Translation":
        """The same for one file at any size, of which `image` [1, C, H, W] has the size of the training.

        At another size a model cannot tell what an image has, and of a tile it would tell what the tile has.
        """
        labels = self.translator.task.labels
        if "labels" not in self.translator.takes or self.described is not None or labels.decides(self.target):
            return self
        (described,) = self.translator.describe(image.to(self.device), self.target)
        return replace(self, described=described)


def translation(translator: Translator, source: str | None, target: str, device: torch.device) -> Translation:
    """How images are to be translated.

    Args:
        translator: who translates.
        source: domain of the images or, for a model led by attributes, what they have; None: the model need not know.
        target: domain, or changes of attributes.
        device: where the translator is.

    Raises:
        UserError: for a target or source that the model does not know or translate between.
    """
    if "labels" not in translator.takes:
        return Translation(translator, device, *direction(translator, source, target))
    space = translator.task.labels
    space.towards(target)
    if space.decides(target):
        return Translation(translator, device, source, target)
    if source is not None:
        space.described(target, [source])
    return Translation(translator, device, None, target, source)


def sides(translate: Translation, preprocess: Preprocess) -> tuple[Preprocess, Preprocess]:
    """How files of the source become images, and images of the target files.

    Raises:
        UserError: where formats differ by domain and it is not said which domain the files are of.
    """
    if not preprocess.formats:
        return preprocess, preprocess
    source = translate.source or source_of_any(translate.translator, preprocess, translate.target)
    return preprocess.of_domain(source), preprocess.of_domain(translate.target)


def source_of_any(translator: Translator, preprocess: Preprocess, target: str) -> str | None:
    """A domain that files can be of where it is not said of which; None where formats differ by it."""
    sources = [a for a, b in translator.task.directions if b == target]
    alike = len({preprocess.formats.get(a) for a in sources}) == 1
    return sources[0] if alike else None


def check_source(translator: Translator, preprocess: Preprocess, source: str | None, target: str) -> None:
    """UserError for a target that none is translated to, or files of several domains whose formats differ."""
    if preprocess.formats and source is None and source_of_any(translator, preprocess, target) is None:
        direction(translator, source, target)
        preprocess.of_domain(None)


def translation_of(
    translator: Translator, preprocess: Preprocess, source: str | None, target: str, device: torch.device
) -> tuple[Translation, Preprocess, Preprocess]:
    """How images are to be translated, how files become them, and they files; UserError as for each of these."""
    check_source(translator, preprocess, source, target)
    translate = translation(translator, source, target, device)
    return translate, *sides(translate, preprocess)


def resized(translate: Translation, preprocess: Preprocess) -> Convert:
    """Images as the model was trained on them, several at once."""

    before, after = sides(translate, preprocess)

    def convert(paths: Sequence[Path]) -> Iterable[np.ndarray]:
        images = torch.cat([as_image(path, before) for path in paths])
        translated = translate.of_files(paths)(images)
        for path, image in zip(paths, translated, strict=True):
            _refuse_not_finite(path, image)
        return after.to_arrays(translated)

    return convert


def as_image(path: Path, preprocess: Preprocess) -> Tensor:
    """An image as a model was trained on it, [1, C, H, W] in [-1, 1]; UserError if it cannot be read.

    `preprocess` is that of the image's domain.
    """
    return preprocess.to_images(preprocess.pixels_of(path)[None])


def _refuse_not_finite(path: Path, image: Tensor) -> None:
    """UserError for a translation that has no colours: as an image it would be black."""
    wrong = image.numel() - int(image.isfinite().sum())
    if wrong:
        raise UserError(
            f"the model makes {wrong:,} of {image.numel():,} values of {path} not finite, and no black image is "
            "written: train on from an earlier checkpoint, or take --weights ema or best where the run keeps them"
        )


def full_resolution(
    translate: Translation, preprocess: Preprocess, side: int | None = None, passes: int | None = None
) -> Convert:
    """Images at their own size, one by one: mirrored up to what the model takes, large ones in tiles.

    The norms of all tiles use the same statistics: those of the whole image, nearly. What an image has, where that
    is not said, the model tells from the image as it would be translated at the size of the training.

    Args:
        translate: who translates, and how.
        preprocess: how files become images, but for the resizing.
        side: of tiles, pixels; None: `SIDE` for images of more than `AT_ONCE` pixels.
        passes: of all tiles ahead of their translation, to find the statistics of the image; None: `PASSES`.

    Raises:
        UserError: for a side that is too small for the model, attributes that it cannot tell, or a model that is bound
            to the size of its training.
    """
    translator = translate.translator
    translator.check_bound(None)
    limits = translator.multiple, translator.task.image_size
    tiling(*limits, side or SIDE)
    times = PASSES if passes is None else passes
    before, after = sides(translate, preprocess)

    def translate_one(image: Tensor, translate: Translate) -> Tensor:
        if not needs_tiles((image.shape[2], image.shape[3]), side):
            return in_full(image, translate, *limits)
        statistics = image_statistics(translator, translate, image, *limits, side or SIDE, times)
        with held_statistics(statistics):
            return in_tiles(image, translate, *limits, side or SIDE)

    def convert(paths: Sequence[Path]) -> Iterable[np.ndarray]:
        for path in paths:
            fitted, whole = (before.to_images(pixels[None]) for pixels in before.both_of(path))
            translated = translate_one(whole, translate.of_files([path]).seeing(fitted))
            _refuse_not_finite(path, translated)
            yield from after.to_arrays(translated)

    return convert


def needs_tiles(size: tuple[int, int], side: int | None) -> bool:
    """Whether an image of that height and width is translated in tiles, at full resolution."""
    return max(size) > side if side else size[0] * size[1] > AT_ONCE


def tiles_line(sizes: Sequence[tuple[int, int]], side: int | None) -> str:
    """How images of these heights and widths are translated at full resolution, in one line."""
    tiled = sum(needs_tiles(size, side) for size in sizes)
    passing = f"{tiled} of {number(len(sizes), 'image')} pass in tiles of {side or SIDE} px"
    return f"full resolution: nothing is lost, {passing}"


def of_sample(files: Files, sample: int) -> Files:
    """Images and the names of one of several translations of each: `a.png`, then `a.s1.png` and so on."""
    return [(path, name.with_name(sample_name(name.stem, sample) + name.suffix)) for path, name in files]


def ending(files: Files, suffix: str) -> Files:
    """The images and the names of their translations, which end as files of the target do."""
    return [(path, name.with_name(name.name.removesuffix(".png") + suffix)) for path, name in files]


def check_files(
    files: Files,
    out: Path,
    preprocess: Preprocess,
    overwrite: bool = False,
    samples: int = 1,
    references: Sequence[Path | None] = (),
) -> list[tuple[int, int]]:
    """Heights and widths of all images, each of which is decoded, so that a broken one leaves nothing half-done.

    `preprocess` is that of their domain.

    Raises:
        UserError: for an image that cannot be read, or that a translation in `out` would replace, a reference
            image too; without `overwrite` also for any other file that it would.
    """
    written = [one for sample in range(samples) for one in of_sample(files, sample)]
    for path, name in written:
        check_length(name.name, path)
    _refuse_collisions(written)
    refuse_replaced([out / name for _, name in written], [path for path, _ in files], references)
    if not overwrite:
        _refuse_earlier(written, out)
    return [preprocess.size_of(path) for path, _ in files]


def samples_of(translate: Translation, samples: int) -> tuple[int, str]:
    """How many different translations of an image there are of so many that are asked for, and why so few.

    There is one where noise makes no difference, or none is taken.

    Raises:
        UserError: for a number that is none of samples, or a seed that is none or makes no difference.
    """
    seed = translate.seed
    if not isinstance(samples, int) or not 1 <= samples <= MOST_SAMPLES:
        raise UserError(f"--samples {samples}: give a whole number from 1 to {MOST_SAMPLES:,}")
    if not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"--seed {seed}: give a whole number from 0 to {LARGEST_SEED}")
    reason = _without_noise(translate) if seed or samples > 1 else ""
    if seed and reason:
        raise UserError(f"--seed {seed}: {reason}, and its translations have no seed: leave it out")
    return (1 if reason else samples), reason


def one_for_all(reason: str) -> str:
    """What is told where `samples_of` gives a reason and one translation for many."""
    return f"{reason}: one translation of each image, as all others would be like it"


def _without_noise(translate: Translation) -> str:
    """Why all translations of an image are alike; empty if they are not."""
    if "noise" not in translate.translator.takes:
        return "this model takes no noise"
    if translate.reference is None:
        return ""
    one, other = (replace(translate, seeds=[seed])(translate.reference) for seed in (0, 1))
    alike = np.array_equal(to_arrays(one), to_arrays(other))
    return "beside a reference image this model takes no noise" if alike else ""


def refuse_replaced(written: Sequence[Path], images: Sequence[Path], references: Sequence[Path | None] = ()) -> None:
    """UserError for a file to be written that is one of the images to translate, or a reference image."""
    taken = {mark for path in images for mark in marks(path)}
    styles = {mark for path in references if path is not None for mark in marks(path)}
    for path in written:
        own = marks(path)
        if own & (taken | styles):
            what = "one of the images to translate" if own & taken else "a reference image"
            raise UserError(f"{path} is {what}: choose another --out")


@freed_memory_kept()
def translate_files(convert: Convert, files: Files, out: Path, write: Write, progress: Progress | None = None) -> None:
    """Write the translation of every image below `out`; they are read some at a time."""
    for start in range(0, len(files), BATCH):
        some = files[start : start + BATCH]
        translated = convert([path for path, _ in some])
        for done, (pixels, (path, name)) in enumerate(zip(translated, some, strict=True), start + 1):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write(out / name, pixels, path)
            if progress:
                progress(done, len(files))


def _refuse_earlier(files: Files, out: Path) -> None:
    there = [out / name for _, name in files if (out / name).exists()]
    if there:
        others = f" and {len(there) - 1} more are" if len(there) > 1 else " is"
        raise UserError(f"{there[0]}{others} there already: choose another folder with --out, or add --overwrite")


def _refuse_collisions(files: Files) -> None:
    seen: dict[Path, Path] = {}
    for path, name in files:
        if name in seen:
            raise UserError(f"{seen[name]} and {path} would both become {name}: translate them into two folders")
        seen[name] = path
