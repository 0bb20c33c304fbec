"""The card `i2i.json` of a data folder: `{"name": ..., "domains": [...], "paired": true}`, each entry optional."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from i2i.config import MOST_BANDS, Band, Limits, rising
from i2i.errors import UserError, unknown
from i2i.utils.json_documents import Document, Name, read_document

CARD = "i2i.json"
REMEDY = 'write {"name": "photos", "domains": ["summer", "winter"], "paired": true}, each entry optional, or remove it'

REMEDIES = {
    "range": 'write the lower end and then a higher one, as "range": [0, 4095]',
    "window": 'write the lower end and then a higher one, as "window": [0, 4095]',
    "fill": 'write a number, as "fill": 0',
    "take": 'write numbers of channels, from 0, as "take": [0]',
    "bands": 'write the number of one channel or of three, from 0, as "bands": [0]',
    "pixel_formats": 'write {"t1": {"range": [0, 4095]}}, with domains of the folder; entries of each are range, fill, '
    "take, bands and window, all optional",
}
"""What to do about single entries."""


class Division(Document):
    """How `i2i data prepare --split` divided the data: its seed, and the shares of train, val and test."""

    seed: int
    shares: tuple[float, float, float]


class DeclaredFormat(Document):
    """What a card says of the values of a domain's images; None: as the files of the training split have it.

    Attributes:
        range: what becomes -1 and 1 for models.
        fill: what stands for values that are not finite.
        take: which channels of a file are read, from 0.
        bands: which of those are shown, one or three.
        window: what is shown as black and as white.
    """

    model_config = ConfigDict(extra="forbid")

    range: Annotated[Limits | None, AfterValidator(rising)] = None
    fill: float | None = None
    take: Annotated[tuple[Band, ...], Field(min_length=1, max_length=MOST_BANDS)] | None = None
    bands: tuple[Band, ...] | None = None
    window: Annotated[Limits | None, AfterValidator(rising)] = None


class Card(Document):
    """What a card says; None: nothing.

    Attributes:
        name: short name for tables, run folders and bench folders.
        domains: which to learn, in this order.
        paired: whether images of equal name show the same scene.
        division: how the splits were made.
        label_map: the domain that is a label map.
        palette: red, green and blue of its classes, by name.
        pixel_formats: by domain, what its values are; where there is the entry, none are taken as 8 bits.
        columns: of a table of Hugging Face: `["IMAGE", "CLASS"]` or `["DOMAIN=IMAGE", ...]`.
    """

    model_config = ConfigDict(extra="allow")  # to be refused with a suggestion

    name: Name | None = None
    domains: tuple[str, ...] | None = None
    paired: bool | None = None
    division: Division | None = None
    label_map: str | None = None
    palette: dict[str, tuple[int, int, int]] | None = None
    pixel_formats: dict[str, DeclaredFormat] | None = None
    columns: tuple[str, ...] | None = None


def read_card(root: Path) -> Card:
    """The card of a folder, empty where there is none.

    Raises:
        UserError: for one that is no JSON, holds an unknown entry or one of another type, a name that cannot name a
            folder, or a domain twice.
    """
    card = read_document(Card, root / CARD, REMEDY, REMEDIES) or Card()
    for key in card.model_extra or ():
        raise unknown(f"entry in {root / CARD}:", key, Card.model_fields)
    refuse_repeated(card.domains or (), f"{root / CARD}: domains")
    return card


def refuse_repeated(domains: Sequence[str], place: str) -> None:
    """UserError if a domain is named twice."""
    for domain, times in Counter(domains).items():
        if times > 1:
            raise UserError(f"{place} names {domain!r} {times} times: name every domain once")
