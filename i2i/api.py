"""The Python interface: translators from run folders, from the Hub, or untrained, and a way to publish them.

These functions are attributes of the package: `import i2i` imports nothing heavy until one of them is used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
import torch
from PIL import Image

from i2i import registry
from i2i.conversion.hub import check_repository, fetch, load_folder, save, upload
from i2i.conversion.model_card import UNKNOWN_LICENSE, CardOptions
from i2i.data.decoding.images import read_image
from i2i.errors import UserError
from i2i.inference.in_memory import Given, as_files, as_pil, refuse_formats, translate_images
from i2i.inference.translate_files import as_image, samples_of, translation
from i2i.labels import LabelSpace
from i2i.runs.checkpoint import Weights
from i2i.runs.load import load_translator
from i2i.training.sample_grid import tile
from i2i.training.setup import check_trainable, run_config
from i2i.training.trainer import build_translator
from i2i.translator import Task, Translator
from i2i.utils.memory import usable_device
from i2i.utils.new_folder import new_folder
from i2i.utils.places import given_path


def load(run: str | Path, device: torch.device | str = "cpu", weights: Weights | None = None) -> Translator:
    """The trained translator of a run folder, in evaluation mode.

    Of its weights `last`, `ema` or `best`, or without a choice those that the method translates with.

    Example: `i2i.load("runs/h2z").translate(images, "horse", "zebra")` with images [B, C, H, W] in [-1, 1].

    Raises:
        UserError: if there is no checkpoint or it does not fit, or no such device.
    """
    _check_texts(weights="last" if weights is None else weights)
    return load_translator(given_path("run", run), usable_device(device), weights)[0]


def translate(
    run: str | Path,
    images: Given | Sequence[Given],
    target: str,
    source: str | None = None,
    *,
    full_resolution: bool = False,
    seed: int = 0,
    reference: Given | None = None,
    sampling_steps: int | None = None,
    device: torch.device | str = "cpu",
    weights: Weights | None = None,
) -> Image.Image | list[Image.Image]:
    """Translate an image, or a list of them, with the model of a run folder: paths, PIL images or arrays in, PIL out.

    The results are those of the command. Example: `i2i.translate("runs/h2z", "horse.jpg", "zebra").save("zebra.png")`.

    Args:
        run: the run folder.
        images: files, PIL images, or arrays uint8 [H, W, 3] or [H, W].
        target: domain, or changes of attributes such as `+Blond_Hair`.
        source: domain of the images, or their attributes; None where the model need not know.
        full_resolution: keep the size of every image, large ones in tiles; else that of the training.
        seed: of the noise, for a model that takes noise, beside the names of files or the places in the list.
        reference: an image to take after, for a model that takes one.
        sampling_steps: of an iterative model; None: its own number.
        device: where to translate.
        weights: `last`, `ema` or `best`; None: those that the method translates with.

    Raises:
        UserError: for what is no image, or what the model does not do; the text lists what is allowed.
    """
    place = usable_device(device)
    translator, preprocess = load_translator(given_path("run", run), place, weights)
    refuse_formats(preprocess, "images of a program")
    one = isinstance(images, str | Path | Image.Image | np.ndarray)
    with as_files([] if reference is None else [reference]) as files:
        how = replace(
            translation(translator, source, target, place),
            seed=seed,
            reference=as_image(files[0], preprocess) if files else None,
            sampling_steps=sampling_steps,
        )
    samples_of(how, 1)  # which refuses a seed that makes no difference
    several = cast("Sequence[Given]", [images] if one else images)
    made = translate_images(how, preprocess, several, full_resolution)
    return made[0] if one else made


class Comparison:
    """Images and what several models make of them; a notebook shows it as a contact sheet.

    Attributes:
        sheet: the contact sheet, a PIL image: a row of inputs, then a row for each model.
        translations: PIL images by model, in the order of the inputs.
    """

    def __init__(self, inputs: Sequence[Image.Image], translations: Mapping[str, Sequence[Image.Image]]) -> None:
        self.translations = {name: list(made) for name, made in translations.items()}
        rows = [list(inputs), *self.translations.values()]
        arrays = [np.stack([np.asarray(image.convert("RGB")) for image in row]) for row in rows]
        self.sheet = Image.fromarray(tile(arrays, ["input", *self.translations]))

    def _repr_png_(self) -> bytes:
        """How a notebook shows it."""
        held = BytesIO()
        self.sheet.save(held, "PNG")
        return held.getvalue()


def compare(
    runs: Mapping[str, str | Path], images: Sequence[Given], target: str, source: str | None = None
) -> Comparison:
    """What the models of several run folders, by name, make of the same images.

    Args:
        runs: run folders by the names to show; they must have the same image size.
        images, target, source: as `translate` takes them.

    Raises:
        UserError: as `translate`, without a run or image, or for runs of unlike image sizes.
    """
    if not runs or not len(images):
        raise UserError("there is nothing to compare: give at least one run, by name, and one image")
    made = {name: cast("list[Image.Image]", translate(run, list(images), target, source)) for name, run in runs.items()}
    if len({row[0].size for row in made.values()}) > 1:
        raise UserError("the runs have unlike image sizes: compare those of one size")
    _, preprocess = load_translator(given_path("run", next(iter(runs.values()))))
    with as_files(list(images)) as files:
        inputs = [as_pil(preprocess(read_image(file))) for file in files]
    return Comparison(inputs, made)


def create(
    model: str,
    domains: Sequence[str] | LabelSpace,
    image_size: int | tuple[int, int] = 256,
    channels: int = 3,
    seed: int = 0,
    **settings: object,
) -> Translator:
    """An untrained translator on the CPU, with the paper's settings unless `settings` change them.

    Args:
        model: name of the translator, as `i2i models` lists it.
        domains: two names, or more for a model that serves any number; a model of one direction goes from the
            first to the second. A label space describes attributes.
        image_size: side, or height and width, in pixels.
        channels: 3 for RGB, 1 for greyscale.
        seed: of the initial weights; torch's own random stream stays as it is.
        settings: of the model, such as `width=32`.

    Raises:
        UserError: for an unknown model or setting, or a size that the model does not take.
    """
    if not isinstance(model, str):
        raise UserError(f"model is {model!r}: give the name of a translator, as i2i models lists it")
    if not isinstance(domains, LabelSpace):
        domains = _names(domains)
    data = {"image_size": image_size, "channels": channels}
    config = run_config(model, {"model": settings, "data": data, "train": {"seed": seed}})
    with torch.random.fork_rng(devices=[]):
        task = Task.covering(registry.get(model).coverage, domains, config.data.image_size, channels)
        check_trainable(config, task)
        return build_translator(config, task).eval()


def from_pretrained(source: str | Path, device: torch.device | str = "cpu", revision: str | None = None) -> Translator:
    """The translator of an exported folder or of a repository on the Hugging Face Hub, in evaluation mode.

    Args:
        source: a folder, or OWNER/NAME of a repository.
        device: where its weights go.
        revision: branch, tag or commit of the repository.

    Raises:
        UserError: if there is neither, or its files are damaged or do not belong together, or there is no
            such device.
    """
    _check_texts(revision="" if revision is None else revision)
    folder, place = given_path("source", source), usable_device(device)
    return load_folder(folder if folder.is_dir() else fetch(str(source), revision), place)


def save_pretrained(
    model: Translator | str | Path,
    out: str | Path,
    license: str = UNKNOWN_LICENSE,
    scores: str | Path | None = None,
    row: str | None = None,
) -> Path:
    """Write a translator into the new folder `out`, from which `from_pretrained` loads it; returns the folder.

    Args:
        model: a run folder, whose data, budget and settings the model card tells; or a translator, of which
            only networks and settings are known.
        out: a folder that does not exist yet or is empty.
        license: for the card; an identifier of the Hub such as apache-2.0.
        scores: a bench's results.csv, for the card.
        row: what that bench calls the model, where it is not the model's own name.
    """
    place = given_path("out", out)
    with new_folder(place) as partial:
        save(_model(model), partial, card_options=_card_options(license, scores, row))
    return place


def push_to_hub(
    model: Translator | str | Path,
    repository: str,
    license: str = UNKNOWN_LICENSE,
    scores: str | Path | None = None,
    row: str | None = None,
    private: bool | None = None,
) -> str:
    """Upload what `save_pretrained` writes to the Hub repository OWNER/NAME; returns its address."""
    _check_texts(repository=repository)
    check_repository(repository)
    with TemporaryDirectory() as place:
        save(_model(model), Path(place), repository, _card_options(license, scores, row))
        return upload(Path(place), repository, private)


def _model(model: Translator | str | Path) -> Translator | Path:
    return model if isinstance(model, Translator) else given_path("model", model)


def _card_options(license: str, scores: str | Path | None, row: str | None) -> CardOptions:
    _check_texts(license=license, row="" if row is None else row)
    return CardOptions(license, None if scores is None else given_path("scores", scores), row)


def _check_texts(**given: object) -> None:
    for name, text in given.items():
        if not isinstance(text, str):
            raise UserError(f"{name} is {text!r}: give it as text")


def _names(domains: object) -> list[str]:
    if isinstance(domains, Iterable) and not isinstance(domains, str):
        names = list(domains)
        if all(isinstance(name, str) for name in names):
            return names
    raise UserError(f"domains is {domains!r}: give a list of names, such as ['horse', 'zebra']")
