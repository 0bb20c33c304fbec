"""Translators that are not trained, and a way to publish those that are."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from i2i import registry
from i2i.api.loading import LoadedTranslator
from i2i.api.python_messages import pythonic
from i2i.conversion.hub import check_repository, save, upload
from i2i.conversion.model_card import UNKNOWN_LICENSE, CardOptions
from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.training.setup import check_trainable, run_config
from i2i.training.trainer import build_translator
from i2i.translator import Task, Translator
from i2i.utils.atomic_write import new_folder
from i2i.utils.given_paths import check_texts, given_path


@pythonic
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
    with torch.random.fork_rng(devices=[]), _in_own_arguments():
        task = Task.covering(registry.get(model).coverage, domains, config.data.image_size, channels)
        check_trainable(config, task)
        return build_translator(config, task).eval()


@contextmanager
def _in_own_arguments() -> Iterator[None]:
    """Errors name `image_size` and `domains`, arguments here, where commands have settings."""
    try:
        yield
    except UserError as error:
        error.args = (re.sub(r"--set data\.(image_size|domains)=", r"\1=", str(error)),)
        raise


@pythonic
def save_pretrained(
    model: Translator | LoadedTranslator | str | Path,
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


@pythonic
def push_to_hub(
    model: Translator | LoadedTranslator | str | Path,
    repository: str,
    license: str = UNKNOWN_LICENSE,
    scores: str | Path | None = None,
    row: str | None = None,
    private: bool | None = None,
) -> str:
    """Upload what `save_pretrained` writes to the Hub repository OWNER/NAME; returns its address."""
    check_texts(repository=repository)
    check_repository(repository)
    with TemporaryDirectory() as place:
        save(_model(model), Path(place), repository, _card_options(license, scores, row))
        return upload(Path(place), repository, private)


def _model(model: Translator | LoadedTranslator | str | Path) -> Translator | Path:
    if isinstance(model, LoadedTranslator):
        return model.translator
    return model if isinstance(model, Translator) else given_path("model", model)


def _card_options(license: str, scores: str | Path | None, row: str | None) -> CardOptions:
    check_texts(license=license, row="" if row is None else row)
    return CardOptions(license, None if scores is None else given_path("scores", scores), row)


def _names(domains: object) -> list[str]:
    if isinstance(domains, Iterable) and not isinstance(domains, str):
        names = list(domains)
        if all(isinstance(name, str) for name in names):
            return names
    raise UserError(f"domains is {domains!r}: give a list of names, such as ['horse', 'zebra']")
