"""Run folders: checkpoints, saving, loading, locks."""

from typing import TYPE_CHECKING

from i2i._lazy import offered

if TYPE_CHECKING:
    from i2i.runs.load import load_translator
else:
    __getattr__ = offered(__name__, load=["load_translator"])

__all__ = ["load_translator"]
