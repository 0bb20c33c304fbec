"""MUNIT: translation both ways between two domains without pairs, with many translations of one image.

Huang, Liu, Belongie, Kautz: Multimodal Unsupervised Image-to-Image Translation, ECCV 2018,
https://arxiv.org/abs/1804.04732. An image has a content, which the domains share, and a style of its domain. A
translation is the content of an image in a style that is drawn, or taken from a reference image.

Otherwise than in the authors' code, contents are encoded once per step for both phases, which changes no number. Rates
are halved after each tenth of the budget; there it is each 100,000 steps of 1,000,000.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.interop.autoencoder import STYLED_AUTOENCODER
from i2i.models._autoencoders import AutoencoderConfig, AutoencoderTranslator, discriminator, reference
from i2i.models._settings import MOST_CHANNELS
from i2i.nn import StyledAutoencoder, initialize
from i2i.registry import register
from i2i.translator import Losses, Request, Step, Task


class MUNITConfig(AutoencoderConfig):
    """Settings of MUNIT; the defaults are the paper's."""

    style: int = Field(8, ge=1, le=MOST_CHANNELS, description="numbers of a style")
    mlp_width: int = Field(256, ge=1, le=MOST_CHANNELS, description="of the network that makes norms of a style")
    lambda_style: float = Field(1.0, ge=0)
    lambda_content: float = Field(1.0, ge=0)
    lambda_cycle: float = Field(
        0.0, ge=0, description="weight of images there and back; 10 for summer2winter and synthia2cityscapes"
    )


@register("munit")
class MUNIT(AutoencoderTranslator):
    """For each domain an auto-encoder of content and style, and discriminators of three resolutions."""

    takes = frozenset({"noise", "reference"})
    styled = "a style drawn for each image, or that of a reference image"
    Config = MUNITConfig
    test_settings = {"width": 2, "blocks": 1, "mlp_width": 4, "discriminator_width": 2, "layers": 3, "scales": 2}
    multiple = StyledAutoencoder.multiple
    reference = reference(STYLED_AUTOENCODER, style="model.style", mlp_width="model.mlp_width")
    config: MUNITConfig
    autoencoder_a: StyledAutoencoder
    autoencoder_b: StyledAutoencoder

    def __init__(self, config: MUNITConfig, task: Task) -> None:
        super().__init__(config, task)
        self.autoencoder_a, self.autoencoder_b = self._autoencoder(), self._autoencoder()
        self.discriminator_a, self.discriminator_b = discriminator(config, task), discriminator(config, task)

    def _autoencoder(self) -> StyledAutoencoder:
        config = self.config
        built = StyledAutoencoder(
            self.task.channels, config.width, config.blocks, config.style, config.mlp_width, config.norm
        )
        return initialize(built, "kaiming")

    def _draw_shown(self, batch: UnpairedBatch, step: Step) -> None:
        step["shown_style_a"], step["shown_style_b"] = self._styles(batch.b), self._styles(batch.a)

    def _draw(self, batch: UnpairedBatch, step: Step) -> None:
        """Other styles than those of the images that the discriminators have seen."""
        step["style_a"], step["style_b"] = self._styles(batch.b), self._styles(batch.a)

    def _styles(self, images: Tensor) -> Tensor:
        return torch.randn(len(images), self.config.style, device=images.device)

    def _discriminator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Equation 4, with least squares (section 5.1)."""
        content_a, content_b = self._contents(batch, step)
        with torch.no_grad():
            fake_a = self.autoencoder_a.decoder(content_b, step["shown_style_a"])
            fake_b = self.autoencoder_b.decoder(content_a, step["shown_style_b"])
        return self._losses_of_shown(batch, fake_a, fake_b)

    def _generator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Equation 5: equations 1 to 4 and, with a weight, the style-augmented cycle consistency of section 4."""
        a, b = self.autoencoder_a, self.autoencoder_b
        content_a, content_b = self._contents(batch, step)
        style_a, style_b = a.style(batch.a), b.style(batch.b)
        fake_a, fake_b = a.decoder(content_b, step["style_a"]), b.decoder(content_a, step["style_b"])
        found_a, found_b = b.content(fake_b), a.content(fake_a)
        terms = {
            "reconstruction_a": F.l1_loss(a.decoder(content_a, style_a), batch.a),
            "reconstruction_b": F.l1_loss(b.decoder(content_b, style_b), batch.b),
            "style_a": F.l1_loss(a.style(fake_a), step["style_a"]),
            "style_b": F.l1_loss(b.style(fake_b), step["style_b"]),
            "content_a": F.l1_loss(found_a, content_a),
            "content_b": F.l1_loss(found_b, content_b),
            **self._of_translations(batch, fake_a, fake_b),
        }
        if self.config.lambda_cycle:
            terms["cycle_a"] = F.l1_loss(a.decoder(found_a, style_a), batch.a)
            terms["cycle_b"] = F.l1_loss(b.decoder(found_b, style_b), batch.b)
        return self._weighted(terms)

    def _contents(self, batch: UnpairedBatch, step: Step) -> tuple[Tensor, Tensor]:
        """The contents of the images of both domains, encoded once per step."""
        if "content_a" not in step:
            step["content_a"] = self.autoencoder_a.content(batch.a)
            step["content_b"] = self.autoencoder_b.content(batch.b)
        return step["content_a"], step["content_b"]

    def requested_style(self, images: Tensor, request: Request) -> Tensor:
        _, target = self._both_ways(request)
        drawn = request.reference is None
        style: Tensor = (
            request.noise.normal(self.config.style).to(images.dtype) if drawn else target.style(request.reference)
        )
        return style

    def generate(self, images: Tensor, request: Request) -> Tensor:
        source, target = self._both_ways(request)
        style = self.requested_style(images, request) if request.style is None else request.style
        translated: Tensor = target.decoder(source.content(images), style)
        return translated
