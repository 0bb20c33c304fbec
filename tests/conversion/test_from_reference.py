"""Official checkpoints on the command line: import, translate, export, train on; and whatever is refused on the way."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from i2i.errors import UserError
from i2i.interop.unet import UNET
from i2i.nn.unet import UNet
from i2i.registry import get
from i2i.runs.folder import newest_checkpoint
from i2i.runs.load import load_translator, require_checkpoint
from tests.robustness.test_bad_input import contents, data_set, image, run
from tests.support import reference

WIDE = ["--set", "data.image_size=16", "--set", "model.discriminator_width=2", "--set", "model.layers=1"]
Refused = Callable[..., str]


class Program:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch ran",)


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


@pytest.fixture(scope="module")
def sound_files(tmp_path_factory):
    """A folder with files as the reference implementations write them."""
    with in_folder(tmp_path_factory.mktemp("sound")) as folder:
        save_sound_files()
    return folder


@pytest.fixture(scope="module")
def broken_files(tmp_path_factory):
    """A folder with files with which something is wrong."""
    with in_folder(tmp_path_factory.mktemp("broken")) as folder:
        save_broken_files()
    return folder


@pytest.fixture(autouse=True)
def place(sound_files, tmp_path, monkeypatch):
    """A folder with files of all kinds, to stand in."""
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(sound_files, tmp_path, dirs_exist_ok=True))


@pytest.fixture
def broken(broken_files, place):
    shutil.copytree(broken_files, place, dirs_exist_ok=True)


@contextmanager
def in_folder(folder: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def save_sound_files() -> None:
    cyclegan, pix2pix = reference.weights("training_cyclegan"), reference.weights("training_pix2pix")
    stargan = reference.weights("training_stargan_onehot")
    for name in ("G_A", "G_B", "D_A", "D_B"):
        torch.save(cyclegan[f"net{name}"], f"latest_net_{name}.pth")
    torch.save(cyclegan["netG_A"], "some.pth")
    torch.save(cyclegan["netG_B"], "other.pth")
    torch.save(cyclegan["netD_A"], "discriminator.pth")
    torch.save(reference.weights("cyclegan_resnet_9blocks"), "nine_net_G_B.pth")
    torch.save(pix2pix["netG"], "5_net_G.pth")
    torch.save(pix2pix["netD"], "5_net_D.pth")
    torch.save(stargan["G"], "9-G.ckpt")
    torch.save(stargan["D"], "9-D.ckpt")
    torch.save({**stargan["D"], "conv2.weight": torch.zeros(3, 32, 4, 4)}, "joint-D.ckpt")
    torch.save({**stargan["D"], "conv2.weight": torch.zeros(5, 32, 4, 3)}, "oblong-D.ckpt")


def save_broken_files() -> None:
    state = dict(reference.weights("cyclegan_resnet_6blocks"))
    torch.save(state, "cut.pth")
    torch.save(state, "old_cut.pth", _use_new_zipfile_serialization=False)
    cut(Path("cut.pth"), 0.5)
    cut(Path("old_cut.pth"), 0.5)
    torch.save({"model.1.weight": Program()}, "program.pth")
    torch.save({"model.1.weight": Program()}, "old_program.pth", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 2), "module.pth")
    torch.save({"state_dict": state, "epoch": 3}, "nested.pth")
    torch.save(torch.zeros(3), "tensor.pth")
    torch.save({}, "nothing.pth")
    torch.save(reference.weights("training_pix2pix")["netD"], "5-G.pth")
    torch.save({"layer.weight": torch.zeros(3)}, "else.pth")
    torch.save(state | {"model.10.conv_block.6.weight": torch.zeros(16, 16, 3, 3)}, "dropout_G.pth")
    torch.save(state | {"model.23.weight": torch.zeros(1, 4, 7, 7)}, "gray_G.pth")
    shallow, rename = UNet(3, 2, 4), UNET.rename(UNet(3, 2, 4))
    named = {name.rpartition("."): value for name, value in shallow.state_dict().items()}
    torch.save({f"{rename(module)}.{tensor}": value for (module, _, tensor), value in named.items()}, "shallow_G.pth")
    Path("letter.pth").write_text("Dear reader")
    Path("empty.pth").touch()
    Path("used").mkdir()
    Path("used/thesis.tex").write_text("All men are")


@pytest.fixture
def refused(place, capsys) -> Refused:
    def check(*arguments: object) -> str:
        before = contents(place)
        capsys.readouterr()
        status = run(*arguments)
        said = capsys.readouterr()
        assert status == 2, said
        assert contents(place) == before
        assert said.out == ""
        assert "Traceback" not in said.err
        assert said.err.startswith("i2i: ")
        assert said.err.count("\n") <= 2, said.err
        return said.err

    return check


def importing(files: str, model: str = "cyclegan", domains: str = "dawn,dusk", *rest: str) -> list[str]:
    return ["import", *files.split(), "--model", model, "--domains", domains, "--out", "run", *rest]


BOTH = "latest_net_G_A.pth latest_net_G_B.pth"
ALL = f"{BOTH} latest_net_D_A.pth latest_net_D_B.pth"
FIVE = "a,b,c,d,e"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            importing("program.pth"),
            "program.pth asks to run posix.system when it is loaded: files can hold any program",
        ),
        (importing("old_program.pth"), "old_program.pth asks to run posix.system when it is loaded"),
        (importing("module.pth"), "module.pth asks to run torch.nn.modules.linear.Linear when it is loaded"),
        (importing("cut.pth"), "cut.pth is damaged or incomplete"),
        (importing("old_cut.pth"), "old_cut.pth is damaged or incomplete"),
        (importing("letter.pth"), "letter.pth is no checkpoint of PyTorch"),
        (importing("empty.pth"), "empty.pth is no checkpoint of PyTorch"),
        (importing("gone.pth"), "gone.pth cannot be read: No such file"),
        (importing("used"), "used cannot be read: Is a directory"),
        (importing("nested.pth"), "nested.pth holds no network: a state dict, tensors by name"),
        (importing("tensor.pth"), "tensor.pth holds no network"),
        (importing("nothing.pth"), "nothing.pth holds no network"),
        (importing("else.pth"), "else.pth holds no network of a reference implementation that i2i knows"),
        (importing("else.pth"), "it begins with layer.weight"),
        (importing("dropout_G.pth"), "its residual blocks have dropout, and i2i's have none"),
        (importing("gray_G.pth"), "it takes 3 channels and gives 1"),
        (importing("shallow_G.pth", "pix2pix"), "it is a U-Net of depth 4, and the reference's begin at 5"),
        (importing("5_net_G.pth"), "5_net_G.pth is a U-Net of pix2pix, not of cyclegan"),
        (importing("9-G.ckpt"), "9-G.ckpt is a residual generator with labels of stargan, not of cyclegan"),
        (importing("some.pth", "pix2pix"), "some.pth is a residual generator of cyclegan, not of pix2pix"),
        (
            importing("5_net_D.pth 9-G.ckpt", "stargan", FIVE),
            "5_net_D.pth is a PatchGAN of cyclegan or pix2pix, not of",
        ),
        (
            importing("latest_net_G_A.pth 5_net_D.pth"),
            "(latest_net_G_A.pth, 5_net_D.pth): name them as the reference does",
        ),
        (
            importing("some.pth other.pth discriminator.pth"),
            "it is not clear which network of cyclegan each file holds",
        ),
        (
            importing("some.pth other.pth discriminator.pth"),
            "latest_net_G_A.pth, latest_net_G_B.pth, latest_net_D_A.pth",
        ),
        (importing("some.pth other.pth latest_net_G_A.pth"), "it is not clear which network of cyclegan each file"),
        (importing("latest_net_G_A.pth used/../latest_net_G_A.pth"), "it is not clear which network of cyclegan each"),
        (importing("some.pth some.pth"), "a file is given twice"),
        (importing("5_net_D.pth 5-G.pth", "pix2pix"), "5-G.pth is a PatchGAN and its name says G: rename it"),
        (importing("latest_net_D_A.pth latest_net_D_B.pth"), "there is no generator"),
        (
            importing("latest_net_G_A.pth nine_net_G_B.pth"),
            "latest_net_G_A.pth has model.blocks=6 and nine_net_G_B.pth",
        ),
        (importing("latest_net_G_A.pth nine_net_G_B.pth"), "model.blocks=9: they are not of one training"),
        (importing(BOTH, domains="dawn"), "cyclegan translates between two domains and --domains names 1 (dawn)"),
        (importing(BOTH, domains="dawn,noon,dusk"), "names 3 (dawn, noon, dusk): name the first and the second"),
        (importing(BOTH, domains="dawn,dawn"), "--domains dawn,dawn must be different names"),
        (importing(BOTH, domains="dawn,"), "--domains dawn, must be different names"),
        (importing("9-G.ckpt", "stargan", "a,b,c"), "the files are for 5 labels and --domains names 3 (a, b, c)"),
        (
            importing("9-G.ckpt joint-D.ckpt", "stargan", FIVE),
            "the files are for 3 labels and --domains names 5 (a, b, c, d, e): name as many",
        ),
        (importing("9-G.ckpt", "stargan", "x/a,x/b,x/c,y/d,y/e"), "with a mask of 2 data sets 7"),
        (importing("9-G.ckpt oblong-D.ckpt", "stargan", FIVE), "its class head covers 4x3 fields"),
        (
            importing("9-G.ckpt 9-D.ckpt", "stargan", FIVE, "--size", "32"),
            "data.image_size=32x32 does not fit the files",
        ),
        (importing("9-G.ckpt 9-D.ckpt", "stargan", FIVE, "--size", "32"), "which tell 64"),
        (importing(BOTH, "cyclegan", "dawn,dusk", "--size", "50"), "50x50 pixels does not divide by 4"),
        (importing(BOTH, "cyclegan", "dawn,dusk", "--size", "big"), "data.image_size='big' does not fit"),
        (importing(BOTH, "cyclegan", "dawn,dusk", "--set", "model.width=64"), "model.width=64 does not fit the files"),
        (importing(BOTH, "cyclegan", "dawn,dusk", "--set", "model.padding=zeros"), "which tell reflect"),
        (importing(BOTH, "cyclegan", "dawn,dusk", "--set", "model.widht=4"), "did you mean 'width'"),
        (importing(BOTH, "cyclegan", "dawn,dusk", "--set", "model.name=stargan"), "use --model"),
        (importing(BOTH, "cyclegan", "dawn,dusk", "--set", "data.domains=a,b"), "use --domains"),
        (importing(BOTH, "cyclegun"), "unknown model 'cyclegun'; did you mean 'cyclegan'?"),
        (importing(BOTH, "identity"), "identity has no reference implementation to import from"),
        ([*importing(BOTH), "--out", "used"], "used is not empty: choose another folder with --out"),
        ([*importing(BOTH), "--out", "letter.pth"], "letter.pth is a file: choose a folder with --out"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_the_reason(refused, broken, arguments, complaint):
    assert complaint in refused(*arguments)
    assert not Path("ran").exists()


def test_the_summary_tells_what_was_read_and_what_was_assumed(place, capsys):
    assert run(*importing("5_net_G.pth", "pix2pix", "photo,label", "--set", "model.test_dropout=false")) == 0
    said = capsys.readouterr().out
    assert "5_net_G.pth is generator" in said
    assert "inferred from the files: data.channels=3, model.width=4, model.depth=7, model.norm=batch" in said
    assert "assumed, since no file says: data.image_size=128x128, model.dropout=0.5, model.test_statistics=" in said
    assert "a training starts afresh with: discriminator" in said
    assert "i2i translate run IMAGES --target label" in said
    assert require_checkpoint(Path("run")).settings["model"]["test_dropout"] is False


@pytest.mark.integration
def test_an_imported_run_translates_and_exports(place, capsys):
    assert run(*importing(ALL, "cyclegan", "dawn,dusk", "--size", "16")) == 0
    image(place / "x.jpg")
    assert run("translate", "run", "x.jpg", "--target", "dusk", "--out", "new", "--device", "cpu") == 0
    assert Path("new/x.png").is_file()
    assert run("export", "run", "--format", "reference", "--out", "files") == 0
    assert capsys.readouterr().out.splitlines()[-5:] == [*ALL.split(), "exported run to files"]
    for name in ALL.split():
        given, taken = torch.load(name, weights_only=True), torch.load(f"files/{name}", weights_only=True)
        assert list(given) == list(taken)
        assert all(torch.equal(given[key], taken[key]) for key in given)


def test_an_imported_run_is_not_resumed_but_started_from(refused, place):
    assert run(*importing(BOTH)) == 0
    said = refused("train", "--resume", "run")
    assert "run was imported and has no training to go on with" in said
    assert "i2i train --init run --data DIR" in said


def train(*rest: object) -> list[object]:
    budget = ["--set", "train.images=4", "--set", "train.batch_size=2"]
    return ["train", "--init", "run", "--data", "sky", "--out", "next", "--device", "cpu", *budget, *rest]


def first_weights(monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """The weights that the next training begins with, once it has run."""
    from i2i.training import trainer

    weights: dict[str, torch.Tensor] = {}
    build = trainer.build_optimizers

    def remember(translator):
        weights.update({name: value.clone() for name, value in translator.state_dict().items()})
        return build(translator)

    monkeypatch.setattr(trainer, "build_optimizers", remember)
    return weights


@pytest.mark.slow
def test_a_training_starts_with_the_imported_weights_and_fresh_discriminators(place, capsys, monkeypatch):
    assert run(*importing(BOTH, "cyclegan", "dusk,dawn", *WIDE)) == 0
    data_set(place / "sky")
    begun = first_weights(monkeypatch)
    assert run(*train("--set", "model.lambda_identity=0")) == 0
    said = capsys.readouterr().err
    assert "starts with the weights of run; afresh: discriminator_b, discriminator_a\n" in said
    imported, _ = load_translator(Path("run"))
    for name, value in imported.a_to_b.state_dict().items():
        assert torch.equal(begun[f"a_to_b.{name}"], value)
    checkpoint = require_checkpoint(Path("next"))
    assert checkpoint.task.domains == ("dusk", "dawn")  # as the networks know them, not as the folders are sorted
    assert checkpoint.task.image_size == (16, 16)
    assert (checkpoint.settings["model"]["width"], checkpoint.settings["model"]["lambda_identity"]) == (4, 0)
    assert checkpoint.finished
    assert not checkpoint.imported
    assert not checkpoint.fresh
    trained, _ = load_translator(Path("next"))
    # Images of one color leave nothing behind an instance norm: all that they teach is the last bias.
    assert not torch.equal(trained.a_to_b.layers[-2].bias, imported.a_to_b.layers[-2].bias)


@pytest.mark.slow
def test_a_fresh_network_is_drawn_from_the_seed_of_the_new_training(place, monkeypatch):
    assert run(*importing("some.pth", "cyclegan", "dawn,dusk", *WIDE)) == 0
    data_set(place / "sky")
    begun = first_weights(monkeypatch)
    assert run(*train("--set", "train.seed=5")) == 0
    imported, _ = load_translator(Path("run"))
    task = require_checkpoint(Path("next")).task
    torch.manual_seed(5)
    drawn = get("cyclegan")(imported.config, task)
    assert torch.equal(begun["b_to_a.layers.1.weight"], drawn.b_to_a.layers[1].weight)
    assert not torch.equal(begun["a_to_b.layers.1.weight"], drawn.a_to_b.layers[1].weight)
    assert task.directions == (("dawn", "dusk"), ("dusk", "dawn"))


@pytest.mark.slow
def test_a_training_starts_with_the_weights_of_another_training(place, capsys, monkeypatch):
    assert run(*importing(ALL, "cyclegan", "dawn,dusk", "--size", "32")) == 0
    data_set(place / "sky")
    assert run(*train()) == 0
    Path("run").rename("imported")
    Path("next").rename("run")
    begun = first_weights(monkeypatch)
    data_set(place / "sea", "ebb flow")
    capsys.readouterr()
    assert run(*[("sea" if word == "sky" else word) for word in train()]) == 0
    assert "starts with the weights of run; domains: ebb for dawn, flow for dusk\n" in capsys.readouterr().err
    before, _ = load_translator(Path("run"))
    assert begun.keys() == before.state_dict().keys()
    assert all(torch.equal(begun[name], value) for name, value in before.state_dict().items())


@pytest.mark.integration
@pytest.mark.parametrize(
    ("rest", "complaint"),
    [
        (["--model", "stargan"], "--model stargan cannot start with the weights of cyclegan"),
        (["--set", "model.width=8"], "its a_to_b.layers.1.weight is [4, 3, 7, 7] and here [8, 3, 7, 7]"),
        (["--set", "model.blocks=7"], "its a_to_b.layers.16.body.1.weight is absent"),
        (["--set", "data.channels=1"], "does not fit this training"),
        (["--out", "run"], "run holds imported weights: start with them by --init run"),
        (["--init", "gone"], "there is no run folder gone"),
        (["--resume", "run"], "leave out --out and --init"),
    ],
)
def test_a_start_that_does_not_fit_is_refused_before_anything_is_written(refused, place, rest, complaint):
    assert run(*importing(BOTH, "cyclegan", "dawn,dusk", *WIDE)) == 0
    data_set(place / "sky")
    assert complaint in refused(*train(*rest))


@pytest.mark.integration
def test_a_dry_run_shows_what_it_would_start_with(place, capsys):
    assert run(*importing(BOTH, "cyclegan", "dawn,dusk", *WIDE)) == 0
    data_set(place / "sky")
    capsys.readouterr()
    before = contents(place)
    assert run(*train("--dry-run")) == 0
    said = capsys.readouterr()
    assert "afresh: discriminator_b, discriminator_a" in said.err
    assert "width: 4" in said.out
    assert contents(place) == before


def trained(place: Path, model: str, *settings: str) -> None:
    data_set(place / "sky", paired=True)
    small = ["model.width=2", "model.discriminator_width=2", "model.layers=1", "train.images=4", "train.batch_size=2"]
    words = [word for setting in (*small, *settings) for word in ("--set", setting)]
    assert run("train", "--model", model, "--data", "sky", "--out", "run", "--device", "cpu", *words) == 0


@pytest.mark.integration
@pytest.mark.parametrize(
    ("model", "settings", "complaint"),
    [
        ("cyclegan", ["model.padding=zeros", "model.blocks=1"], "no model.padding=zeros, only reflect"),
        ("cyclegan", ["model.norm=none", "model.blocks=1"], "no model.norm=none, only instance or batch"),
        ("pix2pix", ["model.norm=instance-affine"], "no model.norm=instance-affine, only batch or instance"),
        ("pix2pix", ["model.skips=false"], "no model.skips=False, only True"),
        ("pix2pix", ["model.conditional=false"], "no model.conditional=False, only True"),
        ("unit", ["model.norm=batch", "model.blocks=1"], "no model.norm=batch, only instance"),
        ("stargan", ["model.upsampling=resize-conv"], "no model.upsampling=resize-conv, only deconv"),
        ("cyclegan", ["model.spectral_norm=true", "model.blocks=1"], "no model.spectral_norm=True, only False"),
        ("pix2pix", ["model.depth=4"], "it is a U-Net of depth 4, and the reference's begin at 5"),
        ("stargan", ["data.image_size=32x16"], "its class head covers 16x8 fields, and the reference has square"),
    ],
)
def test_a_model_that_the_reference_does_not_have_is_not_exported(refused, place, model, settings, complaint):
    trained(place, model, "data.image_size=32", *settings)
    said = refused("export", "run", "--format", "reference", "--out", "files")
    assert complaint in said
    assert "cannot be exported to the reference" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "--format", "reference", "--out", "there"], "there is not empty: choose another --out"),
        (["run", "--format", "referense", "--out", "files"], "unknown format 'referense'; did you mean 'reference'?"),
        (["run", "--format", "reference", "--out", "some.pth"], "some.pth is a file: choose a folder with --out"),
        (["gone", "--format", "reference", "--out", "files"], "there is no run folder gone"),
    ],
)
def test_an_export_that_cannot_be_written_is_refused(refused, place, arguments, complaint):
    assert run(*importing(ALL)) == 0
    Path("there").mkdir()
    Path("there/latest_net_D_B.pth").touch()
    assert complaint in refused("export", *arguments)


def test_reference_rows_have_no_files_to_export_to(refused, place):
    data_set(place / "sky")
    small = ["--set", "data.image_size=16"]
    assert run("train", "--model", "reinhard", "--data", "sky", "--out", "run", "--device", "cpu", *small) == 0
    assert "reinhard of run has no reference implementation to export to" in refused(
        "export", "run", "--format", "reference", "--out", "files"
    )


@pytest.mark.integration
def test_what_a_training_here_has_learnt_is_exported_and_comes_back(place):
    trained(place, "pix2pix", "data.image_size=32")
    assert run("export", "run", "--format", "reference", "--out", "files") == 0
    Path("run").rename("before")
    assert run(*importing("files/latest_net_G.pth files/latest_net_D.pth", "pix2pix")) == 0
    (before, _), (after, _) = load_translator(Path("before")), load_translator(Path("run"))
    assert all(torch.equal(after.state_dict()[name], value) for name, value in before.state_dict().items())
    assert json.loads((newest_checkpoint(Path("run")).folder / "checkpoint.json").read_text())["step"] == 0


def test_a_model_without_discriminator_is_exported_without_one(place):
    trained(place, "pix2pix", "data.image_size=32", "model.lambda_gan=0")
    assert run("export", "run", "--format", "reference", "--out", "files") == 0
    assert [path.name for path in Path("files").iterdir()] == ["latest_net_G.pth"]


FACES = "Black_Hair,Blond_Hair,Brown_Hair,Male,Young"


def test_celebas_names_are_attributes_and_the_imported_generator_is_led_by_them(place, capsys):
    assert run("import", "9-G.ckpt", "--model", "stargan", "--domains", FACES, *WIDE, "--out", "faces") == 0
    said = capsys.readouterr().out
    assert "attributes that an image can have together, but for Black_Hair or Blond_Hair or Brown_Hair" in said
    translator, _ = load_translator(Path("faces"))
    side = translator.task.image_size[0]
    images = torch.rand(1, 3, side, side) * 2 - 1
    blond = translator.translate(images, None, "+Blond_Hair,-Male", ["Black_Hair,Male,Young"])
    with torch.no_grad():
        assert torch.equal(blond, translator.generator(images, torch.tensor([[0.0, 1, 0, 0, 1]])))
    with pytest.raises(UserError, match=r"cannot tell what the images have .* say it with --source"):
        translator.translate(images, None, "Blond_Hair")  # the discriminator was not among the files


def test_a_joint_generator_is_imported_by_names_with_data_sets(place):
    """Label width 5 is 2 + 1 columns of two data sets and a mask of 2."""
    given = ["--domains", "x/a,x/b,y/Male", *WIDE]
    assert run("import", "9-G.ckpt", "--model", "stargan", *given, "--out", "joint") == 0
    translator, _ = load_translator(Path("joint"))
    assert translator.task.labels.width == 5
    assert translator.task.domains == ("x/a", "x/b", "y/Male", "y/-Male")


def test_other_names_are_attributes_if_the_settings_say_so(place):
    given = ["--domains", FIVE, "--set", "data.attributes=[a,b,c,d,e]", "--set", "data.exclusive=[[a,b]]", *WIDE]
    assert run("import", "9-G.ckpt", "--model", "stargan", *given, "--out", "mine") == 0
    translator, _ = load_translator(Path("mine"))
    assert translator.task.labels.sets[0].exclusive == (("a", "b"),)
    assert translator.task.labels.vector("b", "a,d").tolist() == [0, 1, 0, 1, 0]
