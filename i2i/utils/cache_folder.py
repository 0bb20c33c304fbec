"""Where caches lie."""

import os
from pathlib import Path

from i2i.errors import UserError


def cache_folder() -> Path:
    """Where built-in datasets are kept: $I2I_CACHE, or i2i in the user's cache folder."""
    if os.environ.get("I2I_CACHE"):
        return Path(os.environ["I2I_CACHE"])
    return _home_of_caches() / "i2i"


def _home_of_caches() -> Path:
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # an account without a home, as in containers
        raise UserError("there is no home folder for decoded images: name a folder with I2I_CACHE=DIR") from None
