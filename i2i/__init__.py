"""i2i: a comparative zoo of image-to-image translators."""

from typing import TYPE_CHECKING

from i2i._lazy import offered
from i2i._version import __version__

__all__ = [
    "__version__",
    "compare",
    "create",
    "from_pretrained",
    "load",
    "push_to_hub",
    "save_pretrained",
    "translate",
]

if TYPE_CHECKING:
    from i2i.api import compare, create, from_pretrained, load, push_to_hub, save_pretrained, translate
else:
    __getattr__ = offered(__name__, api=__all__[1:])


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
