"""A small network that tells the class of each pixel of a photo: it stands in for the FCN that papers score photos by.

It is a U-Net (Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597) of four levels, trained from scratch on real
pairs of the training split. What it reaches on real test photos is the ceiling of what it says about translations.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor, nn

from i2i.errors import UserError
from i2i.metrics.features._inference import CPU_CHUNK, check_pixels, scoring
from i2i.metrics.features._sampling import balanced_order
from i2i.metrics.segmentation.palette import Palette
from i2i.utils.atomic_write import replacing
from i2i.utils.memory import usable_device

WIDTHS = (16, 32, 64, 128)
PEAK_RATE = 2e-3
WEIGHT_DECAY = 0.01
WARM_UP = 0.2  # share of the steps in which the learning rate rises
IGNORED = -1

Progress = Callable[[int, int], None]


class Segmenter(nn.Module):
    """Logits of classes for each pixel.

    Args:
        palette: the classes.
    """

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.palette = palette
        self.downs = nn.ModuleList(_block(before, own) for before, own in zip((3, *WIDTHS), WIDTHS, strict=False))
        self.ups = nn.ModuleList(
            _block(above + below, above) for below, above in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(WIDTHS[0], len(palette.names), 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits [B, K, H, W] of pixels, uint8 [B, 3, H, W] of any size."""
        maps, skips = pixels.to(self.head.weight.device).float() / 127.5 - 1, []
        for level, down in enumerate(self.downs):
            maps = down(nn.functional.max_pool2d(maps, 2, ceil_mode=True) if level else maps)
            skips.append(maps)
        for up, skip in zip(self.ups, skips[-2::-1], strict=True):
            maps = up(torch.cat([skip, nn.functional.interpolate(maps, skip.shape[2:])], dim=1))
        logits: Tensor = self.head(maps)
        return logits

    def classes(self, pixels: Tensor) -> Tensor:
        """The likeliest class of each pixel, of those that are scored: uint8 [N, H, W] on the CPU."""
        check_pixels(pixels)
        device = self.head.weight.device
        out = torch.where(self.palette.scored.to(device), 0.0, -torch.inf)[:, None, None]
        with scoring(self, device):
            parts = [(self(part) + out).argmax(dim=1).to(torch.uint8).cpu() for part in pixels.split(CPU_CHUNK)]  # type: ignore[no-untyped-call]
        return torch.cat(parts)

    def save(self, path: Path) -> None:
        """Write weights and palette to one safetensors file, atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.cpu().contiguous() for name, tensor in self.state_dict().items()}
        with replacing(path) as partial:
            safetensors.torch.save_file(state, partial, {"palette": json.dumps(self.palette.settings())})

    @classmethod
    def load(cls, path: Path, *, device: torch.device | str = "cpu") -> "Segmenter":
        """The segmenter that `save` wrote; UserError if the file is missing or damaged."""
        if not path.is_file():
            raise UserError(f"no segmenter at {path}: train one, or give an existing file")
        try:
            with safe_open(path, framework="pt") as file:
                palette = Palette.given(json.loads((file.metadata() or {})["palette"]))
            segmenter = cls(palette)
            segmenter.load_state_dict(safetensors.torch.load_file(path))
        except Exception as error:
            raise UserError(f"{path} is damaged or no segmenter: delete it and train a new one") from error
        return segmenter.to(usable_device(device)).eval()


def train_segmenter(
    pixels: Tensor,
    classes: Tensor,
    palette: Palette,
    *,
    images: int = 6144,
    batch_size: int = 8,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Segmenter:
    """Train a segmenter from scratch; it is returned in evaluation mode. Global random numbers stay as they were.

    Args:
        pixels: photos, uint8 [N, 3, H, W].
        classes: of each pixel, uint8 [N, H, W].
        palette: what they are; `void` is not learnt.
        images: how many to learn from in all, repeats counted; rounded up to whole batches.
        batch_size: images in one step.
        seed: of weights, order and mirroring.
        device: where to train; the segmenter stays there.
        progress: called after every step with the images seen and their final number.
    """
    check_pixels(pixels)
    place = usable_device(device)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        segmenter = Segmenter(palette)
    segmenter.to(place).train()
    targets = torch.where(palette.scored[classes.long()], classes.long(), IGNORED)
    steps, generator = math.ceil(images / batch_size), torch.Generator().manual_seed(seed)
    order = balanced_order(torch.zeros(len(pixels), dtype=torch.int64), 1, steps * batch_size, generator)
    optimizer = torch.optim.AdamW(segmenter.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps + 1, pct_start=WARM_UP)
    for step in range(steps):
        chosen = order[step * batch_size : (step + 1) * batch_size]
        mirrored = (-1,) if torch.rand((), generator=generator) < 0.5 else ()
        _step(segmenter, optimizer, pixels[chosen].flip(mirrored), targets[chosen].flip(mirrored))
        schedule.step()
        if progress is not None:
            progress((step + 1) * batch_size, steps * batch_size)
    return segmenter.eval()


def _step(segmenter: Segmenter, optimizer: torch.optim.Optimizer, pixels: Tensor, targets: Tensor) -> None:
    logits = segmenter(pixels)
    loss = nn.functional.cross_entropy(logits, targets.to(logits.device), ignore_index=IGNORED)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _block(before: int, own: int) -> nn.Sequential:
    layers: list[Any] = []
    for channels in (before, own):
        layers += [nn.Conv2d(channels, own, 3, padding=1, bias=False), nn.BatchNorm2d(own), nn.ReLU()]
    return nn.Sequential(*layers)
