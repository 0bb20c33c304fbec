"""What options and arguments that several commands and functions have stand for. Nothing heavy is imported ahead."""

from typing import TYPE_CHECKING

from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.text import option

if TYPE_CHECKING:
    from i2i.config import Settings


def data_settings(
    data: list[str] | None, attributes: str | None, cache_gib: float | None, allow_download: bool = False
) -> "Settings":
    """What --data, --attributes and --cache-gib say, as `data` settings; data of the Hub are here afterwards."""
    from i2i.data.layouts.hf_hub import ensure_all
    from i2i.data.open import settings_of

    for note in ensure_all(data or [], allow_download):
        console.note(f"i2i: {note}")
    others = {"attributes": attributes or None, "cache_gib": cache_gib}
    return settings_of(data or []) | {name: value for name, value in others.items() if value is not None}


def sized(settings: list[str] | None, size: str | None) -> list[str]:
    """The assignments of --set and --size together; UserError if they say two sizes."""
    for assignment in settings or [] if size is not None else []:
        name, _, value = assignment.partition("=")
        if name.strip() == "data.image_size" and value.strip() != size:
            raise UserError(f"{option('--size', size)} and {option('--set', assignment)} are two sizes: leave one out")
    return [*(settings or []), *([f"data.image_size={size}"] if size is not None else [])]


def registered(model: str | None) -> str | None:
    """The name of a model; a custom model is imported and registered first."""
    from i2i import custom_models

    return custom_models.load(model).name if model and custom_models.is_source(model) else model
