"""Networks and layers that several translators share."""

from i2i.nn.adm_unet import AdmUNet
from i2i.nn.autoencoder import Autoencoder, StyledAutoencoder
from i2i.nn.class_activation import AttentiveDiscriminator, AttentiveGenerator
from i2i.nn.convolutions import Padding, convolution
from i2i.nn.domain_heads import DomainDiscriminator, MappingNetwork, StyleEncoder
from i2i.nn.image_pool import ImagePool
from i2i.nn.initialization import Initialization, initialize
from i2i.nn.modes import as_in_training, as_single_images, use_instance_norms, without_autocast, without_gradients
from i2i.nn.multiscale import MultiscaleDiscriminator, image_pyramid
from i2i.nn.norm import InstanceNorm, LayerNorm, Norm, needs_bias, norm_layer
from i2i.nn.patch_discriminator import (
    PatchDiscriminator,
    antialiased_patchgan,
    patchgan,
    reflecting_patchgan,
    strided_patchgan,
)
from i2i.nn.patch_projection import PatchProjection
from i2i.nn.resampling import BlurPool, BlurUpsample, Upsampling, upsample
from i2i.nn.resnet import Resampling, ResidualBlock, ResnetGenerator, with_channels
from i2i.nn.second_derivatives import TwiceLeakyReLU
from i2i.nn.spectral import normalize_spectrally
from i2i.nn.styled_resnet import StyledResnet
from i2i.nn.timed import TimedGenerator, TimedPatchDiscriminator
from i2i.nn.unet import UNet

__all__ = [
    "AdmUNet",
    "AttentiveDiscriminator",
    "AttentiveGenerator",
    "Autoencoder",
    "BlurPool",
    "BlurUpsample",
    "DomainDiscriminator",
    "ImagePool",
    "Initialization",
    "InstanceNorm",
    "LayerNorm",
    "MappingNetwork",
    "MultiscaleDiscriminator",
    "Norm",
    "Padding",
    "PatchDiscriminator",
    "PatchProjection",
    "Resampling",
    "ResidualBlock",
    "ResnetGenerator",
    "StyleEncoder",
    "StyledAutoencoder",
    "StyledResnet",
    "TimedGenerator",
    "TimedPatchDiscriminator",
    "TwiceLeakyReLU",
    "UNet",
    "Upsampling",
    "antialiased_patchgan",
    "as_in_training",
    "as_single_images",
    "convolution",
    "image_pyramid",
    "initialize",
    "needs_bias",
    "norm_layer",
    "normalize_spectrally",
    "patchgan",
    "reflecting_patchgan",
    "strided_patchgan",
    "upsample",
    "use_instance_norms",
    "with_channels",
    "without_autocast",
    "without_gradients",
]
