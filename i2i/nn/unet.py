"""The U-Net generator of pix2pix."""

import torch
from torch import Tensor, nn

from i2i.nn.convolutions import Padding
from i2i.nn.norm import Norm, needs_bias, norm_layer
from i2i.nn.resampling import Upsampling, upsample


class UNet(nn.Module):
    """An encoder-decoder with skips between equal resolutions (Isola et al. 2017, appendix 6.1.1).

    Args:
        channels: channels of the input and, unless `outputs` says otherwise, of the output image.
        width: channels after the first convolution; they double per level up to eight times that.
        depth: how often the image is halved, at least 2 (8 for 256 px, 7 for 128 px).
        norm: normalisation; the first and the innermost convolution have none.
        dropout: rate of the dropout in the inner decoder levels, the method's noise; 0: none.
        skips: whether there are skips; without, it is an encoder-decoder with decoder inputs half as wide.
        padding: how borders are padded ahead of the convolutions; transposed ones have none.
        upsampling: how the decoder doubles; the paper does it by transposed convolutions.

    Input and output [B, channels, H, W] in [-1, 1]; H and W must be multiples of `multiple` = 2^depth.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        depth: int = 8,
        norm: Norm = "batch",
        dropout: float = 0.5,
        skips: bool = True,
        padding: Padding = "zeros",
        upsampling: Upsampling = "deconv",
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        if depth < 2:
            raise ValueError(f"a U-Net needs a depth of at least 2, got {depth}")
        self.multiple = 2**depth
        self.skips = skips
        bias = needs_bias(norm)
        widths = [width * min(2**level, 8) for level in range(depth)]
        self.downs = nn.ModuleList(
            _down(channels if level == 0 else widths[level - 1], widths[level], level, depth, norm, bias, padding)
            for level in range(depth)
        )
        # The published network drops activations in the levels that exist beyond the fifth.
        noisy = range(4, depth - 1)
        self.ups = nn.ModuleList(
            _up(
                upsample(
                    widths[level] * (2 if skips and level < depth - 1 else 1),
                    (outputs or channels) if level == 0 else widths[level - 1],
                    upsampling,
                    bias=bias or level == 0,
                    padding="zeros" if level == depth - 1 else padding,  # a single pixel has nothing to reflect
                ),
                nn.Tanh() if level == 0 else norm_layer(norm, widths[level - 1]),
                dropout if level in noisy else 0.0,
            )
            for level in reversed(range(depth))
        )

    def forward(self, images: Tensor) -> Tensor:
        encoded = []
        features = images
        for down in self.downs:
            features = down(features)
            encoded.append(features)
        encoded.pop()
        for up in self.ups:
            features = up(features)
            if self.skips and encoded:
                features = torch.cat((encoded.pop(), features), dim=1)
        return features


def _down(inputs: int, outputs: int, level: int, depth: int, norm: Norm, bias: bool, padding: Padding) -> nn.Sequential:
    plain = level in (0, depth - 1)
    # Not in place: the skip carries the activation's input onwards.
    layers: list[nn.Module] = [] if level == 0 else [nn.LeakyReLU(0.2)]
    layers.append(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=bias, padding_mode=padding))
    if not plain:
        layers.append(norm_layer(norm, outputs))
    return nn.Sequential(*layers)


def _up(doubling: nn.Module, finish: nn.Module, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), doubling, finish, *([nn.Dropout(dropout)] if dropout else []))
