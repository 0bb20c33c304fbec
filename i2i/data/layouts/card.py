"""The card `i2i.json` of a data folder: `{"name": ..., "domains": [...], "paired": true}`, each entry optional."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.errors import UserError, unknown

CARD = "i2i.json"
ENTRIES = ("name", "domains", "paired")


def read_card(root: Path) -> dict[str, Any]:
    """The card of a folder, empty where there is none; UserError for one that does not fit."""
    path = root / CARD
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON ({error}): repair or remove it") from None
    if not isinstance(card, dict):
        raise UserError(f"{path} must hold an object with name, domains or paired")
    for key in card:
        if key not in ENTRIES:
            raise unknown(f"entry in {path}:", key, ENTRIES)
    _check(path, card)
    return card


def refuse_repeated(domains: Sequence[str], place: str) -> None:
    """UserError if a domain is named twice."""
    for domain, times in Counter(domains).items():
        if times > 1:
            raise UserError(f"{place} names {domain!r} {times} times: name every domain once")


def _check(path: Path, card: Mapping[str, Any]) -> None:
    domains = card.get("domains", [])
    if not (isinstance(domains, list) and all(isinstance(domain, str) for domain in domains)):
        raise UserError(f'{path}: domains={domains!r} must be a list of names such as ["summer", "winter"]')
    refuse_repeated(domains, f"{path}: domains")
    if not isinstance(card.get("paired", False), bool):
        raise UserError(f"{path}: paired={card['paired']!r} must be true or false")
    if not isinstance(card.get("name", ""), str):
        raise UserError(f"{path}: name={card['name']!r} must be a text")
