"""i2i: a comparative zoo of image-to-image translators."""

from typing import TYPE_CHECKING

from i2i._version import __version__ as __version__

if TYPE_CHECKING:
    from i2i.api import create as create
    from i2i.api import from_pretrained as from_pretrained
    from i2i.api import load as load
    from i2i.api import push_to_hub as push_to_hub
    from i2i.api import save_pretrained as save_pretrained

__all__ = ["__version__", "create", "from_pretrained", "load", "push_to_hub", "save_pretrained"]


def __getattr__(name: str) -> object:
    """The functions of `i2i.api`, imported at their first use, so that `import i2i` stays light."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from i2i import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
