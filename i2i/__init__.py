"""i2i: a comparative zoo of image-to-image translators."""

from typing import TYPE_CHECKING

from i2i._lazy import offered
from i2i._version import __version__

if TYPE_CHECKING:
    from i2i.api import create, from_pretrained, load, push_to_hub, save_pretrained
else:
    __getattr__ = offered(__name__, api=["create", "from_pretrained", "load", "push_to_hub", "save_pretrained"])

__all__ = ["__version__", "create", "from_pretrained", "load", "push_to_hub", "save_pretrained"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
