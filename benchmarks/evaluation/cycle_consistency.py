"""The cycle error: how far an image is from itself once its translation has been translated back.

Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", 2017,
https://arxiv.org/abs/1703.10593, equation 2, on test images. The way back starts from the translation as its
file holds it: what a network hides below the rounding of values does not count as kept.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from i2i.benchmarks.directions import Direction
from i2i.data.image_files.images import Preprocess
from i2i.metrics._arrays import Array
from i2i.translator import Translator


def reverse_translator(
    direction: Direction, runs: Mapping[Direction, Path], load: Callable[[Path], Translator]
) -> Translator | None:
    """Who translates back: the translator of the way itself if it can, else that of the bench's other direction.

    Args:
        direction: the direction there, one of `runs`.
        runs: by direction, the run folder of the training that serves it.
        load: gives the translator of a run folder.

    Returns:
        A translator that serves the opposite direction; None if the bench has none.
    """
    back, translator = direction[::-1], load(runs[direction])
    if back in translator.task.directions:
        return translator
    return load(runs[back]) if back in runs else None


def cycle_errors(
    back: Translator,
    direction: Direction,
    sides: tuple[Preprocess, Preprocess],
    inputs: np.ndarray,
    translated: np.ndarray,
    attributes: Sequence[str] | None,
    device: torch.device,
    **asked: Any,
) -> Array:
    """Mean absolute difference between inputs and their translations translated back, as a share of their range.

    Args:
        back: serves the opposite of `direction`, on `device`.
        direction: the direction there.
        sides: how files of its source become images, and images of its target files.
        inputs: [N, H, W, C], uint8 or as the source's format says.
        translated: [N, H, W, C], in the same order, uint8 or as the target's format says.
        attributes: what each input has in the data set that `direction` starts from, where that lists attributes.
        device: where the translator is.
        asked: what else `translate` is to be given.

    Returns:
        float64 [N], in [0, 1]; 0 where the input comes back exactly.
    """
    (source, target), (before, after) = direction, sides
    images = after.to_images(translated).to(device)
    returned = before.to_arrays(back.translate(images, target, source, attributes, **asked))
    differences = np.abs(before.measured(returned).astype(np.float64) - before.measured(inputs))
    errors: Array = differences.mean(axis=(1, 2, 3)) / before.data_range
    return errors
