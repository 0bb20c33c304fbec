"""Model cards: what an exported translator is, what it learnt from and how well, for people and for the Hub."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i.config import DataConfig, Settings, to_yaml, validate
from i2i.data.open import find_data
from i2i.errors import UserError
from i2i.runs.checkpoint import OF_FILES, Checkpoint, Weights
from i2i.utils.text import code, fenced, from_csv_cell, markdown

Facts = Mapping[str, Any]
"""Meta data of a checkpoint as `facts_of` gives them: JSON values that may leave this machine."""

Rows = Sequence[Mapping[str, str]]
"""Rows of a bench's results.csv."""

UNKNOWN_LICENSE = "unknown"
LOCATION = ("path", "sets", "embedded", "scenes", "test_scenes", "val_scenes")
CHOSEN = {
    "ema": ", with a moving average of the weights",
    "best": ", with the weights that were best on the validation split",
}
SCORE_COLUMNS = ("dataset", "model", "seed", "source", "target", "metric", "value", "n")


@dataclass(frozen=True)
class CardOptions:
    """What the person who publishes a model says for its card.

    Attributes:
        license: an identifier of the Hub such as apache-2.0, or unknown.
        scores: a bench's results.csv; None: the card has no scores.
        row: what that bench calls the model, where it is not the model's own name.
    """

    license: str = UNKNOWN_LICENSE
    scores: Path | None = None
    row: str | None = None


NO_OPTIONS = CardOptions()


def facts_of(checkpoint: Checkpoint, weights: Weights = "last") -> dict[str, Any]:
    """The meta data of a checkpoint for one kind of its weights, without this machine's paths, with its data."""
    settings = checkpoint.settings
    config = validate(DataConfig, settings["data"], "data")
    kept = {key: value for key, value in settings["data"].items() if _drawn(config) or key not in LOCATION}
    meta = {key: value for key, value in checkpoint.meta.items() if key not in ("best", *OF_FILES)}
    own = {"averaged": False, "weights": weights}  # those that were chosen are the only weights there are
    return {**meta, **own, "settings": {**settings, "data": kept}, "data": _data_facts(config)}


def _drawn(config: DataConfig) -> bool:
    """Whether i2i draws all of the data itself, so that settings alone name them."""
    return not (config.path or config.sets)


def _data_facts(config: DataConfig) -> Settings:
    data = find_data(config)
    if data is None:
        name = config.path.name if config.path else "+".join(config.sets or [config.embedded])
        return {"name": name, "drawn": _drawn(config)}
    counts = {
        split: {domain: len(found.get(domain, ())) for domain in data.domains} for split, found in data.splits.items()
    }
    return {"name": data.name, "drawn": _drawn(config), "counts": counts, "fingerprint": data.fingerprint()}


def read_scores(options: CardOptions, facts: Facts) -> Rows:
    """The rows of a bench's results.csv about the model with these facts and its directions; none without a file.

    Raises:
        UserError: if the file cannot be read, is no results.csv, or has no such row.
    """
    path, row = options.scores, options.row
    if path is None:
        if row:
            raise UserError(f"--row {row} chooses among scores: give their file with --scores")
        return ()
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            rows = [{key: from_csv_cell(cell or "") for key, cell in row.items()} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a bench's results.csv ({error})") from None
    missing = [column for column in SCORE_COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise UserError(f"{path} is no results.csv of a bench: it lacks the columns {', '.join(missing)}")
    name, directions = row or _name(facts), {tuple(direction) for direction in facts["task"]["directions"]}
    own = [line for line in rows if line["model"] == name and (line["source"], line["target"]) in directions]
    if not own:
        models = ", ".join(sorted({line["model"] for line in rows})) or "none"
        raise UserError(
            f"{path} has no scores of {name} for the directions of this run; choose one of {models} with --row"
        )
    return own


def card(facts: Facts, options: CardOptions, scores: Rows, use: str) -> str:
    """The card as Markdown with YAML front matter that the Hub understands.

    Args:
        facts: of the model.
        options: of which the card states the licence.
        scores: rows that `read_scores` gave; none: no table.
        use: Markdown that says how to use the files beside the card.
    """
    name, domains = _name(facts), ", ".join(facts["task"]["domains"])
    front = {
        "license": options.license,
        "library_name": "i2i",
        "pipeline_tag": "image-to-image",
        "tags": ["i2i", "image-to-image", name],
    }
    parts = [
        f"---\n{to_yaml(front)}---",
        f"# {markdown(name)}: {markdown(domains)}",
        _model(facts),
        f"## Use\n\n{use}",
        f"## Data\n\n{_data(facts)}",
        f"## Training\n\n{_training(facts)}",
    ]
    if scores:
        parts.append(f"## Scores\n\nFrom the `results.csv` of an i2i bench.\n\n{_table(scores)}")
    license_line = "Not stated." if options.license == UNKNOWN_LICENSE else code(options.license)
    parts.append(f"## Licence\n\n{license_line}")
    return "\n\n".join(parts) + "\n"


def license_note(options: CardOptions) -> list[str]:
    """A line for the terminal where nobody has said under which licence the model is."""
    note = "the card says `license: unknown`; state one with --license, e.g. --license apache-2.0"
    return [note] if options.license == UNKNOWN_LICENSE else []


def _name(facts: Facts) -> str:
    return str(facts["settings"]["model"]["name"])


def _model(facts: Facts) -> str:
    task, (height, width) = facts["task"], facts["task"]["image_size"]
    directions = markdown(", ".join(f"{source} to {target}" for source, target in task["directions"]))
    averaged = CHOSEN.get(facts.get("weights", "last"), "")
    colors = "RGB" if task["channels"] == 3 else "grey"
    return (
        f"An image-to-image translator ({code(_name(facts))}) of i2i: {directions}.\n\n"
        f"- Images: {colors}, float [B, {task['channels']}, H, W] in [-1, 1], trained at {height}x{width} px.\n"
        f"- Parameters: {facts['parameters']:,} in all networks, those that only training needs included.\n"
        f"- When translating: {facts['inference']}{averaged}.\n"
        f"- Made with i2i {facts['i2i']}."
    )


def _data(facts: Facts) -> str:
    data = facts.get("data")
    if not data:
        return "Not recorded."
    lines = [code(data["name"]) + (", drawn by i2i itself." if data["drawn"] else ".")]
    for split, counts in data.get("counts", {}).items():
        counted = ", ".join(f"{domain} {count}" for domain, count in counts.items())
        lines.append(f"- {markdown(split)}: {markdown(counted)}")
    if "fingerprint" in data:
        lines.append(f"- fingerprint of names and contents when exported: `{data['fingerprint']}`")
    else:
        lines.append("- its images did not lie on the machine that exported this, so they are not counted")
    return "\n".join([lines[0], "", *lines[1:]])


def _training(facts: Facts) -> str:
    if not facts["step"]:
        return "None recorded."
    done = "finished" if facts["step"] >= facts["steps"] else f"of {facts['steps']:,}, not finished"
    budget = f"{facts['images']:,} images shown, {facts['step']:,} steps ({done}), {facts['seconds']:,.0f} seconds."
    return f"{budget}\n\n{fenced(to_yaml(facts['settings']), 'yaml')}"


def _table(rows: Rows) -> str:
    cells = ([markdown(row[column]) for column in SCORE_COLUMNS] for row in rows)
    lines = [SCORE_COLUMNS, ["---"] * len(SCORE_COLUMNS), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
