"""Batches that are drawn and sent to the device one step ahead, on a GPU beside what it computes.

There they are copied, cropped and normalised on a stream of their own, which waits for no training step. The step that
takes a batch waits, on the device, until it is complete; and its memory is not given to another before that step's
stream has read it.
"""

from collections.abc import Callable
from typing import Self

import torch

from i2i.data.batches import Batch
from i2i.data.prefetch import Prefetcher


class CopyStream:
    """A CUDA stream beside the one that computes, which is the current one when this is made.

    Args:
        device: the GPU; what was put there before can be read on the stream.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._stream.wait_stream(torch.cuda.current_stream(device))

    def issue(self, draw: Callable[[int], list[Batch]], step: int) -> tuple[list[Batch], torch.cuda.Event]:
        """Batches that are on their way, and the event of their being complete; from any thread."""
        with torch.cuda.stream(self._stream):
            return draw(step), self._stream.record_event()

    def hand_over(self, batches: list[Batch], complete: torch.cuda.Event) -> None:
        """Let the current stream read them as soon as they are complete."""
        reader = torch.cuda.current_stream(self._device)
        reader.wait_event(complete)
        for batch in batches:
            batch.keep_for(reader)


class BatchesAhead:
    """The batches of a step; those of the next step are drawn meanwhile. A context: leaving it ends the thread.

    Args:
        draw: the batches of a step, on the device; what it gives depends on the step alone.
        device: where they are used. On a GPU the streams of draws and of steps part, elsewhere nothing changes.
    """

    def __init__(self, draw: Callable[[int], list[Batch]], device: torch.device) -> None:
        self._draw = draw
        self._stream = CopyStream(device) if device.type == "cuda" else None
        self._drawn = Prefetcher(self._issue)

    @property
    def waited(self) -> float:
        """Seconds that the last call waited."""
        return self._drawn.waited

    def __call__(self, step: int) -> list[Batch]:
        """Those of `step`; what drawing them raises is raised here."""
        batches, complete = self._drawn(step)
        if self._stream is not None and complete is not None:
            self._stream.hand_over(batches, complete)
        return batches

    def _issue(self, step: int) -> tuple[list[Batch], torch.cuda.Event | None]:
        return (self._draw(step), None) if self._stream is None else self._stream.issue(self._draw, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._drawn.__exit__(*exception)
