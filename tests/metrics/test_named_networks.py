"""DINOv2's and CLIP's networks give the features that are published: of 224 pixels, and projected."""

import pytest
import timm
import torch

from i2i.metrics.features.backbones import timm_backbone, variant_of
from i2i.metrics.features.dinov2 import resampled
from i2i.metrics.features.extractors import NAMED, parse_extractor

SMALL_CLIP = "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m"


def images(count=2, side=64):
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory):
    torch.manual_seed(0)
    network = timm.create_model("vit_small_patch14_dinov2", num_classes=0, depth=1)
    path = tmp_path_factory.mktemp("weights") / "dinov2.pth"
    torch.save({**network.state_dict(), "mask_token": torch.zeros(1, 384)}, path)
    return network, path


@pytest.fixture
def shallow(monkeypatch):
    """Networks of timm's with one block each, so that building them is quick."""
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **options: create(name, depth=1, **options))


@pytest.mark.usefixtures("shallow")
def test_dinov2_sees_224_pixels_and_gives_its_class_token(dinov2):
    network, path = dinov2
    extractor = parse_extractor(f"timm:vit_small_patch14_dinov2:{path}").build()
    assert extractor.preparation.size == (224, 224)
    assert extractor.preparation.resampling == "bicubic"
    assert extractor.dimensions == 384
    positions = resampled(network.pos_embed, (37, 37), (16, 16))
    with torch.no_grad():
        prepared = extractor.preparation(images())
        patches = network.patch_embed.proj(prepared).flatten(2).mT
        tokens = torch.cat([network.cls_token.expand(2, -1, -1), patches], dim=1) + positions
        expected = network.norm(network.blocks(network.norm_pre(tokens)))[:, 0]
    torch.testing.assert_close(extractor(images()), expected, rtol=1e-4, atol=1e-5)
    assert extractor.name.startswith("FD-timm-vit_small_patch14_dinov2-224-")


def test_positions_are_resampled_as_the_authors_code_does_it():
    rows = torch.arange(37.0)[:, None].expand(37, 37)
    grid = torch.stack([rows, rows.T], dim=-1).flatten(0, 1)[None]  # each place embeds itself
    first = torch.full((1, 1, 2), -7.0)
    found = resampled(torch.cat([first, grid], dim=1), (37, 37), (16, 16))
    assert torch.equal(found[:, :1], first)
    # 0.1 is added to the sides of the grid; without, the last places were 0.2 further. Straight lines bend by 0.05.
    places = (torch.arange(16.0) + 0.5) * 37 / 16.1 - 0.5
    inner = found[0, 1:].unflatten(0, (16, 16))[2:-2, 2:-2]
    torch.testing.assert_close(inner[:, 3, 0], places[2:-2], rtol=0, atol=0.06)
    torch.testing.assert_close(inner[3, :, 1], places[2:-2], rtol=0, atol=0.06)


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("bias", [True, False])
def test_clip_gives_its_projection_and_not_what_lies_below(tmp_path, bias):
    torch.manual_seed(0)
    network = timm.create_model(SMALL_CLIP, num_classes=512)
    torch.nn.init.zeros_(network.head.bias)
    state = network.state_dict()
    torch.save({name: tensor for name, tensor in state.items() if bias or name != "head.bias"}, tmp_path / "clip.pth")
    extractor = parse_extractor(f"timm:{SMALL_CLIP}:{tmp_path / 'clip.pth'}").build()
    with torch.no_grad():
        expected = network.eval()(extractor.preparation(images()))
    assert extractor.dimensions == 512
    torch.testing.assert_close(extractor(images()), expected, rtol=1e-4, atol=1e-5)
    assert "-projected-" in extractor.name


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("vit_base_patch32_clip_224.openai", ("projected",)),
        ("vit_base_patch32_clip_224.laion2b_ft_in1k", ()),
        ("convnext_base.clip_laion2b", ("projected",)),
        ("vit_base_patch14_reg4_dinov2.lvd142m", ("224",)),
        ("resnet18", ()),
        ("vit_small_patch16_224", ()),
    ],
)
def test_features_of_before_are_told_from_these_by_name(name, variant):
    assert variant_of(name) == variant


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize(
    ("kind", "side", "dimensions"), [("dinov2", 224, 1024), ("clip", 336, 768)], ids=["dinov2", "clip"]
)
def test_the_named_networks_are_those_of_the_papers(kind, side, dimensions):
    backbone = timm_backbone(NAMED[kind][1])
    assert (backbone.preparation.size, backbone.dimensions) == ((side, side), dimensions)
    assert backbone.preparation.resampling == "bicubic"
