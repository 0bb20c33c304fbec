"""Run folders from and to other formats."""

from typing import TYPE_CHECKING

from i2i._lazy import offered

if TYPE_CHECKING:
    from i2i.conversion.formats import export
    from i2i.conversion.from_reference import import_run
else:
    __getattr__ = offered(__name__, formats=["export"], from_reference=["import_run"])

__all__ = ["export", "import_run"]
