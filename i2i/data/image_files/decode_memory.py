"""How much memory images may take while they are decoded, all threads of a process together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryLimit:
    """Bytes that several threads share: who wants more than are free waits.

    What is larger than all there is waits until no other holds any, and then goes alone.

    Args:
        size: bytes there are.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Hold `count` bytes until the block ends; a thread must not ask for more within it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + count <= self.size)
            self._taken += count
        try:
            yield
        finally:
            with self._changed:
                self._taken -= count
                self._changed.notify_all()


DECODING = MemoryLimit(2**31)
"""For images that are being decoded."""
BYTES_PER_PIXEL = 10
"""What an image takes at most while it is decoded and laid on its background: 4 as PIL holds it, twice, and parts."""
