"""Discriminators that classify patches, with an optional second head that names the domain."""

import math
from itertools import pairwise

from torch import Tensor, nn

from i2i.nn.convolutions import convolution
from i2i.nn.norm import Norm, needs_bias, norm_layer
from i2i.nn.resampling import BlurPool
from i2i.nn.second_derivatives import TwiceLeakyReLU


class PatchDiscriminator(nn.Module):
    """A convolutional trunk with one or two heads.

    `forward` gives the patch map [B, 1, h, w], unbounded scores, each of one receptive field.
    With a class head, `scores_and_logits` gives the domain logits [B, classes] too. The trunk runs once
    for both; `forward` leaves the class head out.
    """

    def __init__(self, trunk: nn.Module, patch_head: nn.Module, class_head: nn.Module | None = None) -> None:
        super().__init__()
        self.trunk = trunk
        self.patch_head = patch_head
        self.class_head = class_head

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.patch_head(self.trunk(images))
        return scores

    def activations(self, images: Tensor) -> list[Tensor]:
        """What leaves each activation of the trunk, from the first on, and as the last the patch map [B, 1, h, w]."""
        outputs, features = [], images
        for layer in self.trunk.children():
            features = layer(features)
            if isinstance(layer, nn.LeakyReLU | nn.Sequential):
                outputs.append(features)
        return [*outputs, self.patch_head(features)]

    def scores_and_logits(self, images: Tensor, classified: int | None = None) -> tuple[Tensor, Tensor]:
        """Patch map [B, 1, h, w] and domain logits [classified, classes] of the first `classified` images or all."""
        if self.class_head is None:
            raise ValueError("this discriminator was built without a class head")
        features = self.trunk(images)
        return self.patch_head(features), self.class_head(features[:classified]).flatten(1)


def patchgan(
    channels: int = 3,
    width: int = 64,
    layers: int = 3,
    norm: Norm = "instance",
    classes: int = 0,
    image_size: tuple[int, int] | None = None,
    margin: int = 1,
) -> PatchDiscriminator:
    """The PatchGAN of pix2pix and CycleGAN (Isola et al. 2017, appendix 6.1.2).

    `layers` stride-2 convolutions and one of stride 1: 0 classifies single pixels (PixelGAN), 1 fields of
    16 px, 3 of 70 px, 5 of 286 px. A class head needs `image_size` (height, width). `margin` pixels of zeros are put
    around what goes into each convolution but those of single pixels; pix2pixHD has 2.
    """
    bias = needs_bias(norm)
    if layers == 0:
        trunk, width_out = _pixel_trunk(channels, width, norm, bias), width * 2
        patch_head: nn.Module = nn.Conv2d(width_out, 1, 1, bias=bias)
    else:
        trunk, width_out = _patch_trunk(channels, width, layers, norm, bias, margin)
        patch_head = nn.Conv2d(width_out, 1, 4, padding=margin)
    class_head = None
    if classes:
        if image_size is None:
            raise ValueError("a class head needs image_size=(height, width)")
        class_head = _class_head(trunk, width_out, classes, image_size)
    return PatchDiscriminator(trunk, patch_head, class_head)


def antialiased_patchgan(
    channels: int = 3, width: int = 64, layers: int = 3, norm: Norm = "instance"
) -> PatchDiscriminator:
    """The PatchGAN whose convolutions all have stride 1, and which halves by blurring (CUT's)."""
    widths = [width * min(2**level, 8) for level in range(layers + 1)]
    trunk: list[nn.Module] = []
    for level, (inputs, outputs) in enumerate(zip([channels, *widths], widths, strict=False)):
        trunk += [
            nn.Conv2d(inputs, outputs, 4, padding=1, bias=level == 0 or needs_bias(norm)),
            *([norm_layer(norm, outputs)] if level else []),
            nn.LeakyReLU(0.2),
            *([BlurPool(outputs)] if level < layers else []),
        ]
    return PatchDiscriminator(nn.Sequential(*trunk), nn.Conv2d(widths[-1], 1, 4, padding=1))


def strided_patchgan(
    channels: int = 3,
    width: int = 64,
    layers: int = 6,
    classes: int = 5,
    image_size: tuple[int, int] = (128, 128),
) -> PatchDiscriminator:
    """The two-headed discriminator of StarGAN (Choi et al. 2018, table 5): no norms, all strides 2.

    Images too small for `layers` halvings get as many as they allow, so that 32 px work, and the class
    head covers whatever the trunk leaves, so that non-square images do.
    """
    layers = min(layers, int(math.log2(min(image_size))))
    widths = [width * 2**level for level in range(layers)]
    trunk = nn.Sequential(
        *(
            nn.Sequential(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), TwiceLeakyReLU(0.01))
            for inputs, outputs in zip([channels, *widths], widths, strict=False)
        )
    )
    patch_head = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
    class_head = _class_head(trunk, widths[-1], classes, image_size) if classes else None
    return PatchDiscriminator(trunk, patch_head, class_head)


def reflecting_patchgan(channels: int = 3, width: int = 64, layers: int = 4) -> PatchDiscriminator:
    """One of the discriminators of UNIT and MUNIT (Huang et al. 2018, appendix B.2).

    `layers` stride-2 convolutions with reflected borders and no norms, and a head that looks at single features. Images
    need at least 2^layers pixels on each side.
    """
    widths = [width * 2**level for level in range(layers)]
    trunk = nn.Sequential(
        *(
            nn.Sequential(*convolution(*sides, 4, "reflect", bias=True, stride=2), nn.LeakyReLU(0.2))
            for sides in pairwise([channels, *widths])
        )
    )
    return PatchDiscriminator(trunk, nn.Conv2d(widths[-1], 1, 1))


def _class_head(trunk: nn.Module, width: int, classes: int, image_size: tuple[int, int]) -> nn.Module:
    """One convolution over the whole map that `trunk` makes of an image of `image_size`."""
    height, width_out = image_size
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            height, width_out = _output_side(height, module, 0), _output_side(width_out, module, 1)
    return nn.Conv2d(width, classes, (height, width_out), bias=False)


def _output_side(side: int, convolution: nn.Conv2d, axis: int) -> int:
    margin = int(convolution.padding[axis])
    return (side + 2 * margin - convolution.kernel_size[axis]) // convolution.stride[axis] + 1


def _pixel_trunk(channels: int, width: int, norm: Norm, bias: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, width * 2, 1, bias=bias),
        norm_layer(norm, width * 2),
        nn.LeakyReLU(0.2),
    )


def _patch_trunk(
    channels: int, width: int, layers: int, norm: Norm, bias: bool, margin: int
) -> tuple[nn.Sequential, int]:
    trunk = [nn.Conv2d(channels, width, 4, stride=2, padding=margin), nn.LeakyReLU(0.2)]
    inputs = width
    for level in range(1, layers + 1):
        outputs = width * min(2**level, 8)
        stride = 2 if level < layers else 1
        trunk += [
            nn.Conv2d(inputs, outputs, 4, stride=stride, padding=margin, bias=bias),
            norm_layer(norm, outputs),
            nn.LeakyReLU(0.2),
        ]
        inputs = outputs
    return nn.Sequential(*trunk), inputs
