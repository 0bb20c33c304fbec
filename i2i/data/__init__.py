"""Images: layouts, preprocessing, batches and the built-in dataset."""

from typing import TYPE_CHECKING

from i2i._lazy import offered

if TYPE_CHECKING:
    from i2i.data.open import open_data
else:
    __getattr__ = offered(__name__, open=["open_data"])

__all__ = ["open_data"]
