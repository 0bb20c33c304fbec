"""Networks and layers that several translators share."""

from i2i.nn.activation import TwiceLeakyReLU
from i2i.nn.adm_unet import AdmUNet
from i2i.nn.autoencoder import Autoencoder, StyledAutoencoder
from i2i.nn.convolutions import Padding, convolution
from i2i.nn.image_pool import ImagePool
from i2i.nn.initialization import Initialisation, initialise
from i2i.nn.modes import as_in_training, use_instance_norms
from i2i.nn.multiscale import MultiscaleDiscriminator, image_pyramid
from i2i.nn.norm import InstanceNorm, LayerNorm, Norm, needs_bias, norm_layer
from i2i.nn.patch_discriminator import PatchDiscriminator, patchgan, reflecting_patchgan, strided_patchgan
from i2i.nn.resnet import Resampling, ResidualBlock, ResnetGenerator
from i2i.nn.spectral import normalise_spectrally
from i2i.nn.unet import UNet
from i2i.nn.upsampling import Upsampling, upsample

__all__ = [
    "AdmUNet",
    "Autoencoder",
    "ImagePool",
    "Initialisation",
    "InstanceNorm",
    "LayerNorm",
    "MultiscaleDiscriminator",
    "Norm",
    "Padding",
    "PatchDiscriminator",
    "Resampling",
    "ResidualBlock",
    "ResnetGenerator",
    "StyledAutoencoder",
    "TwiceLeakyReLU",
    "UNet",
    "Upsampling",
    "as_in_training",
    "convolution",
    "image_pyramid",
    "initialise",
    "needs_bias",
    "norm_layer",
    "normalise_spectrally",
    "patchgan",
    "reflecting_patchgan",
    "strided_patchgan",
    "upsample",
    "use_instance_norms",
]
