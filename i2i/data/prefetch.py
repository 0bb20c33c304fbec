"""Batches that are ready before they are wanted."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Prefetcher(Generic[T]):
    """A function of the step, called in the background for the next step while the value of this one is used.

    Any order of steps gives the same values; steps in turn give them at once. A context: leaving it ends the thread.

    Attributes:
        waited: seconds that the last call waited for its value.
    """

    def __init__(self, function: Callable[[int], T]) -> None:
        self.waited = 0.0
        self._function = function
        self._thread = ThreadPoolExecutor(1, "ahead")
        self._coming: tuple[int, Future[T]] | None = None

    def __call__(self, step: int) -> T:
        """The value for `step`; what the function raises for it is raised here."""
        started = time.perf_counter()
        value = self._future(step).result()
        self.waited = time.perf_counter() - started
        self._coming = step + 1, self._thread.submit(self._function, step + 1)
        return value

    def _future(self, step: int) -> Future[T]:
        if self._coming is not None and self._coming[0] == step:
            return self._coming[1]
        return self._thread.submit(self._function, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.shutdown(cancel_futures=True)
