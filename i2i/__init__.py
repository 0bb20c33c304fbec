"""i2i: a comparative zoo of image-to-image translators."""

from typing import TYPE_CHECKING

from i2i._lazy import offered
from i2i._version import __version__

__all__ = [
    "LoadedTranslator",
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
    from i2i.api.comparison import compare
    from i2i.api.loading import LoadedTranslator, from_pretrained, load, translate
    from i2i.api.translators import create, push_to_hub, save_pretrained
else:
    __getattr__ = offered(
        __name__,
        **{
            "api.comparison": ["compare"],
            "api.loading": ["LoadedTranslator", "from_pretrained", "load", "translate"],
            "api.translators": ["create", "push_to_hub", "save_pretrained"],
        },
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
