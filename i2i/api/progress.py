"""A progress bar for what takes a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from i2i.utils.progress import is_live
from i2i.utils.text import one_line


@contextmanager
def counting(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function of (done, total) that moves a progress bar; nothing shows unless it is called."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    console = Console(stderr=True)
    bars = Progress(console=console, transient=True, disable=not is_live(console))

    def update(done: int, total: int) -> None:
        if not bars.task_ids:
            bars.start()
            bars.add_task(escape(one_line(title)), total=total)
        bars.update(bars.task_ids[0], completed=done, total=total)

    try:
        yield update
    finally:
        bars.stop()
