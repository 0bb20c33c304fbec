"""What was measured beside the keys."""

from pathlib import Path
from typing import Any

from i2i.benchmarks.folder.cache_keys import measured


def translations_of(out: Path, contestant: str, seed: int) -> dict[str, Any]:
    """What was measured while translating: `pictures`, `seconds`, `multiply_adds`; empty if nothing was."""
    return measured(out / "translations" / contestant / f"seed{seed}")
