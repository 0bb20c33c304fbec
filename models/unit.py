"""UNIT: translation both ways between two domains without pairs, through codes that the domains share.

Liu, Breuel, Kautz: Unsupervised Image-to-Image Translation Networks, NeurIPS 2017, https://arxiv.org/abs/1703.00848.
Two variational auto-encoders with unit variance: an image is translated by the encoder of its domain and the decoder
of the other one.

Networks, weights and schedule are those that the authors publish with MUNIT. They differ from the paper (section 3) in
that domains share no weights, and that the discriminators are MUNIT's: what makes the codes of both domains meet is
the cycle alone. Otherwise than in that code, codes are encoded once per step for both phases, which changes no number.
Rates are halved after each tenth of the budget; there it is each 100,000 steps of 1,000,000.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.interop.autoencoder import AUTOENCODER
from i2i.models._autoencoders import AutoencoderConfig, AutoencoderTranslator, discriminator, reference
from i2i.nn import Autoencoder, initialize
from i2i.registry import register
from i2i.translator import Losses, Request, Step, Task


class UNITConfig(AutoencoderConfig):
    """Settings of UNIT."""

    lambda_cycle: float = Field(10.0, ge=0, description="weight of images there and back")
    lambda_kl: float = Field(0.01, ge=0, description="weight of the size of codes")
    lambda_kl_cycle: float = Field(0.01, ge=0, description="weight of the size of the codes of translations")


@register("unit")
class UNIT(AutoencoderTranslator):
    """For each domain an auto-encoder, and discriminators of three resolutions."""

    styled = "codes without noise"
    Config = UNITConfig
    test_settings = {"width": 2, "blocks": 1, "discriminator_width": 2, "layers": 3, "scales": 2}
    multiple = Autoencoder.multiple
    reference = reference(AUTOENCODER)
    config: UNITConfig
    autoencoder_a: Autoencoder
    autoencoder_b: Autoencoder

    def __init__(self, config: UNITConfig, task: Task) -> None:
        super().__init__(config, task)
        self.autoencoder_a, self.autoencoder_b = self._autoencoder(), self._autoencoder()
        self.discriminator_a, self.discriminator_b = discriminator(config, task), discriminator(config, task)

    def _autoencoder(self) -> Autoencoder:
        config = self.config
        return initialize(Autoencoder(self.task.channels, config.width, config.blocks, config.norm), "kaiming")

    def _draw_shown(self, batch: UnpairedBatch, step: Step) -> None:
        step["shown_noise_a"], step["shown_noise_b"] = self._noise(batch.a), self._noise(batch.b)

    def _draw(self, batch: UnpairedBatch, step: Step) -> None:
        """The noise on the codes of images, and on those of their translations."""
        step["noise_a"], step["noise_b"] = self._noise(batch.a), self._noise(batch.b)
        step["cycle_noise_b"], step["cycle_noise_a"] = self._noise(batch.b), self._noise(batch.a)

    def _noise(self, images: Tensor) -> Tensor:
        """Standard normal numbers of the shape of the images' codes."""
        height, width = (side // self.multiple for side in images.shape[2:])
        return torch.randn(len(images), self.config.width * self.multiple, height, width, device=images.device)

    def _discriminator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Adversarial training (section 3), with least squares as in MUNIT."""
        code_a, code_b = self._codes(batch, step)
        with torch.no_grad():
            fake_a = self.autoencoder_a.decoder(code_b + step["shown_noise_b"])
            fake_b = self.autoencoder_b.decoder(code_a + step["shown_noise_a"])
        return self._losses_of_shown(batch, fake_a, fake_b)

    def _generator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Reconstructions in each domain, adversarial terms and cycles (section 3)."""
        a, b = self.autoencoder_a, self.autoencoder_b
        code_a, code_b = self._codes(batch, step)
        drawn_a, drawn_b = code_a + step["noise_a"], code_b + step["noise_b"]
        fake_a, fake_b = a.decoder(drawn_b), b.decoder(drawn_a)
        found_a, found_b = b.encoder(fake_b), a.encoder(fake_a)
        terms = {
            "reconstruction_a": F.l1_loss(a.decoder(drawn_a), batch.a),
            "reconstruction_b": F.l1_loss(b.decoder(drawn_b), batch.b),
            "kl_a": _size(code_a),
            "kl_b": _size(code_b),
            "kl_cycle_a": _size(found_a),
            "kl_cycle_b": _size(found_b),
            "cycle_a": F.l1_loss(a.decoder(found_a + step["cycle_noise_a"]), batch.a),
            "cycle_b": F.l1_loss(b.decoder(found_b + step["cycle_noise_b"]), batch.b),
            **self._of_translations(batch, fake_a, fake_b),
        }
        return self._weighted(terms)

    def _codes(self, batch: UnpairedBatch, step: Step) -> tuple[Tensor, Tensor]:
        """The codes of the images of both domains, without noise, encoded once per step."""
        if "code_a" not in step:
            step["code_a"] = self.autoencoder_a.encoder(batch.a)
            step["code_b"] = self.autoencoder_b.encoder(batch.b)
        return step["code_a"], step["code_b"]

    def generate(self, images: Tensor, request: Request) -> Tensor:
        source, target = self._both_ways(request)
        translated: Tensor = target.decoder(source.encoder(images))
        return translated


def _size(codes: Tensor) -> Tensor:
    """The divergence of codes with unit variance from a standard normal, but for a factor of one half."""
    return codes.float().square().mean()
