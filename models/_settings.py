"""Settings that the three GANs have in common and that none of their papers has."""

from typing import Annotated, Literal

from pydantic import Field

from i2i.nn import Padding, Upsampling
from i2i.translator import InKey, ModelConfig

# Far above what has ever been trained; more is a slip of the hand.
MOST_CHANNELS = 4_096
MOST_BLOCKS = 256

OuterKernel = Annotated[Literal[3, 5, 7], InKey.WHERE_CHANGED]
"""Size of the kernels of a ResNet generator's first and last convolution."""


class Variations(ModelConfig):
    """How the networks may depart from the published ones; the defaults do not."""

    padding: Padding = Field("zeros", description="borders ahead of the generator's convolutions")
    upsampling: Upsampling = Field("deconv", description="how the generator doubles the resolution")
    spectral_norm: bool = Field(False, description="spectral normalisation of the discriminator's weights")
