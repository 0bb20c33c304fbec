"""The history of generated images that CycleGAN's discriminators are trained on."""

from collections.abc import Sequence

import torch
from torch import Tensor


class ImagePool:
    """Up to `size` earlier images (Shrivastava et al. 2017, sec. 2.3; CycleGAN, sec. 4).

    While it fills, images are stored and given back. Afterwards each image is, with probability one half,
    exchanged for a stored one. A pool of size 0 gives every image back.
    """

    def __init__(self, size: int = 50) -> None:
        self.size = size
        self.images: list[Tensor] = []

    def exchange(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] for the discriminator, some of them earlier ones. Draws from torch's global stream."""
        if self.size == 0:
            return images
        chances = torch.rand(len(images)).tolist()
        slots = torch.randint(self.size, (len(images),)).tolist()
        shown = [
            self._exchange_one(image, chance, slot)
            for image, chance, slot in zip(images.detach(), chances, slots, strict=True)
        ]
        # The memory format of the input, so that a pool from a checkpoint computes the same bits.
        return torch.stack(shown, out=torch.empty_like(images, requires_grad=False))

    def _exchange_one(self, image: Tensor, chance: float, slot: int) -> Tensor:
        if len(self.images) < self.size:
            self.images.append(image.clone())
            return image
        if chance < 0.5:
            return image
        stored, self.images[slot] = self.images[slot], image.clone()
        return stored

    def state(self) -> Tensor:
        """The stored images [n, C, H, W], n from 0 to `size`, on the CPU."""
        return torch.stack(self.images).cpu() if self.images else torch.empty(0)

    def load_state(
        self, images: Tensor, device: torch.device | str = "cpu", shape: Sequence[int] | None = None
    ) -> None:
        """Take over what `state` gave; ValueError for more images, or others than of a `shape` (C, H, W)."""
        fits = shape is None or not len(images) or tuple(images.shape[1:]) == tuple(shape)
        if len(images) > self.size or not fits:
            raise ValueError(f"a pool of {self.size} images {list(shape or ())} cannot hold {list(images.shape)}")
        if not bool(images.isfinite().all()):
            raise ValueError("the images of a pool are not finite")
        self.images = [image.clone().to(device) for image in images]
