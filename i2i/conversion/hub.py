"""Folders that hold a translator for others: in the layout of the Hugging Face Hub, and without pickles.

model.safetensors    weights and buffers of all networks, so that training can go on from them
config.json          the meta data of a checkpoint: settings, task, how it translates, versions, data, budget
README.md            the model card
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file

from i2i.config import build_run
from i2i.conversion.model_card import NO_OPTIONS, CardOptions, Facts, card, facts_of, license_note, read_scores
from i2i.data.image_files.images import Preprocess
from i2i.errors import ExportError, UserError
from i2i.registry import name_of
from i2i.runs.checkpoint import Checkpoint, Position, Weights
from i2i.runs.checkpoint_meta import read_meta
from i2i.runs.load import chosen_weights, require_checkpoint, restore
from i2i.runs.save import meta_of
from i2i.runs.tensor_files import refuse_not_finite
from i2i.translator import Translator
from i2i.utils.atomic_write import replacing, write_text
from i2i.utils.text import fenced

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
ANYWHERE = "OWNER/NAME"
FEW_STEPS = 20  # of a model that takes many


def export_safetensors(
    run: Path, out: Path, card_options: CardOptions = NO_OPTIONS, weights: Weights | None = None
) -> list[str]:
    """Write weights, config and card of a run folder's translator into the empty folder `out`.

    Args:
        run: the run folder.
        out: where to write.
        card_options: licence and scores for the card.
        weights: those of the last step, or their moving average; None: the method's own.

    Returns:
        Lines for the user.
    """
    return _export(run, out, "path/of/this/folder", card_options, weights)


def export_hub(
    run: Path,
    out: Path,
    card_options: CardOptions = NO_OPTIONS,
    weights: Weights | None = None,
    push: str | None = None,
    private: bool | None = None,
) -> list[str]:
    """Write the same files with a card for the Hub, and upload them to the repository `push` if it is given."""
    if private and not push:
        raise UserError("--private says how a new repository is made: give its name with --push OWNER/NAME")
    if push:
        check_repository(push)
    lines = _export(run, out, push or ANYWHERE, card_options, weights)
    return [*lines, f"uploaded to {upload(out, push, private)}"] if push else lines


def _export(run: Path, out: Path, place: str, card_options: CardOptions, weights: Weights | None) -> list[str]:
    save(run, out, place, card_options, weights)
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    return [f"{WEIGHTS}, {CONFIG} and {CARD}, {size:,.1f} MB, checked by loading them", *license_note(card_options)]


def save(
    model: Translator | Path,
    out: Path,
    place: str = ANYWHERE,
    card_options: CardOptions = NO_OPTIONS,
    weights: Weights | None = None,
) -> None:
    """Write weights, config and card into the empty folder `out`.

    Args:
        model: a run folder; or a translator, whose data and training are not recorded then.
        out: where to write.
        place: from where the card says that the model is loaded.
        card_options: licence and scores for the card.
        weights: of a run folder: those of the last step, or their moving average; None: the method's own.
    """
    if isinstance(model, Translator):
        translator, facts = model, _bare_facts(model)
    else:
        checkpoint = require_checkpoint(model)
        chosen = chosen_weights(checkpoint, weights)
        translator, facts = restore(checkpoint, weights=chosen)[0], facts_of(checkpoint, chosen)
    rows = read_scores(card_options, facts)
    write_folder(out, translator, facts, card(facts, card_options, rows, _use(facts, place, translator)))


def write_folder(out: Path, translator: Translator, facts: Facts, text: str) -> None:
    """Write the three files into the folder `out`, load them again and compare the weights."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in translator.state_dict().items()}
    try:
        refuse_not_finite(weights)
    except ValueError as error:
        raise UserError(f"{error}: such a model translates nothing, so it is not exported") from None
    with replacing(out / WEIGHTS, sync=False) as partial:  # with the permissions that the umask gives
        save_file(weights, partial, metadata={"format": "pt"})
    write_text(out / CONFIG, json.dumps(dict(facts), indent=1, ensure_ascii=False))
    write_text(out / CARD, text)
    loaded = load_folder(out)[0].state_dict()
    wrong = [name for name, tensor in weights.items() if not torch.equal(loaded[name], tensor)]
    if wrong:
        raise ExportError(f"{WEIGHTS} gives back other values of {', '.join(wrong[:3])}")


def load_folder(folder: Path, device: torch.device | str = "cpu") -> tuple[Translator, Preprocess]:
    """The translator of a folder with the layout above, in evaluation mode, and its preprocessing.

    Raises:
        UserError: if a file is missing or damaged, or weights and config do not belong together.
    """
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise UserError(f"{folder} holds no {name}: give a folder that `i2i export --format hub` has written")
    remedy = "download or export it again"
    return restore(Checkpoint(folder, read_meta(folder / CONFIG, remedy), remedy), device)


def fetch(repository: str, revision: str | None = None) -> Path:
    """A local copy of a Hub repository's weights and config; UserError where there is none or no connection."""
    from huggingface_hub import snapshot_download

    return Path(
        _ask_hub(
            f"there is no folder {repository}, nor can it be loaded from the Hub",
            lambda: snapshot_download(repository, revision=revision, allow_patterns=[WEIGHTS, CONFIG, CARD]),
        )
    )


def upload(folder: Path, repository: str, private: bool | None = None) -> str:
    """Upload a folder's files to a Hub repository, made if need be; returns its address."""
    from huggingface_hub import HfApi

    def send() -> str:
        api = HfApi()
        address = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Upload a translator with i2i")
        return str(address)

    return _ask_hub(f"{repository} cannot be uploaded (log in with `hf auth login`)", send)


def check_repository(name: str) -> None:
    """UserError unless `name` can be a repository's, OWNER/NAME."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name, re.ASCII):
        raise UserError(f"{name!r} names no repository: write OWNER/NAME")


def _ask_hub(failure: str, call: Callable[[], str]) -> str:
    try:
        return call()
    except (OSError, ValueError) as error:  # connection, missing repository, permission; a name that cannot be one
        raise UserError(f"{failure}: {str(error).strip().splitlines()[0]}") from None


def _bare_facts(translator: Translator) -> dict[str, object]:
    cls, task = type(translator), translator.task
    data = {"image_size": task.image_size, "channels": task.channels}
    settings = {"model": translator.config.model_dump(), "data": data}
    run = build_run(settings, name_of(cls), cls.Config, cls.train_defaults()).settings()
    model_only = {"model": run["model"], "data": {key: run["data"][key] for key in data}, "train": run["train"]}
    return meta_of(translator, model_only, Position(0, 0, 0, 0.0))


def _use(facts: Facts, place: str, translator: Translator) -> str:
    """How to translate in Python, and with what the model takes beside images and domains."""
    task = facts["task"]
    (source, target), (height, width) = task["directions"][0], task["image_size"]
    way = f"images, {source!r}, {target!r}"
    lines = [
        "import torch",
        "import i2i\n",
        f'translator = i2i.from_pretrained("{place}")',
        f"images = torch.rand(1, {task['channels']}, {height}, {width}) * 2 - 1  # your images, in [-1, 1]",
        f"translated = translator.translate({way})",
    ]
    steps = max(1, min(FEW_STEPS, (translator.most_sampling_steps or 2 * FEW_STEPS) // 2))
    more = {
        "noise": ("others", "seeds=[1]", "a seed for each image; another gives another translation"),
        "reference": ("styled", "reference=images", "in the style of an image of the target domain"),
        "sampling_steps": ("sooner", f"sampling_steps={steps}", "so many steps; more take longer"),
    }
    asked = [own for name, own in more.items() if name in translator.takes]
    lines += [f"{name} = translator.translate({way}, {given})  # {why}" for name, given, why in asked]
    return fenced("\n".join(lines), "python")
