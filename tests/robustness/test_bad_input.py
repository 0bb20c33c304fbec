"""Whatever is typed wrongly or lies wrongly on the disk is answered by a line that names it and the remedy.

Every refusal goes through the real command line: status 2, no traceback, and not a file more or less than before.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import i2i
from i2i import cli
from i2i.errors import UserError
from i2i.utils.checksums import sealed

SMALL = [
    *("--set", "data.image_size=16"),
    *("--set", "model.width=2"),
    *("--set", "model.discriminator_width=2"),
    *("--set", "model.blocks=0"),
    *("--set", "model.layers=1"),
    *("--set", "train.images=4"),
]
SMALL_BENCH = ["--set", "data.image_size=16", "--set", "budget.images=4", "--set", "cyclegan.layers=1"]
Refused = Callable[..., str]


def run(*arguments: object) -> int:
    """Exit status of the command line, called as from a shell."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(sys, "argv", ["i2i", *map(str, arguments)])
        cli.main()
        sys.exit(0)
    return int(stop.value.code or 0)


def contents(root: Path) -> dict[Path, tuple[int, bytes | None]]:
    """Everything below a folder: when it was changed, and the bytes of files."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None) for path in root.rglob("*")}


def image(path: Path, color: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((16, 16, 3), color, np.uint8)).save(path)
    return path


def data_set(root: Path, domains: str = "dawn dusk", splits: str = "train test", paired: bool = False) -> Path:
    for split in splits.split():
        for domain in domains.split():
            for number in range(2):
                image(root / split / domain / f"{number}.png")
    if paired:
        (root / "i2i.json").write_text('{"paired": true}')
    return root


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, with a cache of its own in it."""
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(place: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs a command that must be refused; gives its last word. Lines about what it was doing may come before."""

    def check(*arguments: object) -> str:
        before = contents(place)
        status = run(*arguments)
        said = capsys.readouterr()
        assert status == 2, said
        assert "Traceback" not in said.out + said.err
        assert said.out == ""
        assert contents(place) == before
        before_it, found, last_word = said.err.rpartition("i2i: ")
        assert found
        assert before_it == "" or before_it.endswith("\n")
        assert last_word.count("\n") <= 2, said.err
        return last_word

    return check


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    data_set(root / "sky")
    status = run(
        "train", "--model", "cyclegan", "--data", root / "sky", "--out", root / "run", "--device", "cpu", *SMALL
    )
    assert status == 0
    return root / "run"


@pytest.fixture
def trained(trained_once: Path, place: Path) -> Path:
    """A finished run folder between dawn and dusk that a test may spoil."""
    return Path(shutil.copytree(trained_once, place / "run"))


def spoil(run_folder: Path, **entries: object) -> None:
    """Change entries of the checkpoint's meta data, as if they had been written so."""
    (path,) = run_folder.glob("checkpoints/*/checkpoint.json")
    path.write_bytes(sealed(json.loads(path.read_text()) | entries))


both_commands = pytest.mark.parametrize(
    "command", [["train", "--model", "cyclegan"], ["bench"]], ids=["train", "bench"]
)


@both_commands
def test_a_missing_data_folder_is_named(refused, command):
    assert "there is no data folder" in (said := refused(*command, "--data", "gone"))
    assert "gone" in said


@both_commands
def test_an_empty_data_folder_is_told_the_layouts(refused, place, command):
    (place / "empty").mkdir()
    said = refused(*command, "--data", "empty")
    assert "empty holds no folders: expected <split>/<domain>/*" in said


@both_commands
def test_a_single_domain_is_named(refused, place, command):
    data_set(place / "sky", "dawn")
    assert "has only one domain, dawn: translation needs at least two; put the" in refused(*command, "--data", "sky")


@both_commands
def test_a_domain_without_images_in_a_split_is_named(refused, place, command):
    data_set(place / "sky")
    for path in (place / "sky/train/dusk").iterdir():
        path.unlink()
    assert "no images of domain 'dusk' in its split 'train'" in refused(*command, "--data", "sky")


def test_a_dry_run_notices_missing_training_images(refused, place):
    data_set(place / "sky", splits="test")
    said = refused("train", "--model", "cyclegan", "--data", "sky", "--dry-run", *SMALL)
    assert "no split 'train' (found test)" in said


def test_a_bench_needs_test_images_of_every_domain(refused, place):
    data_set(place / "sky")
    for path in (place / "sky/test/dawn").iterdir():
        path.unlink()
    assert "no images of domain 'dawn' in its split 'test'" in refused("bench", "--data", "sky")


def test_a_bench_without_a_test_split_is_told_the_setting(refused, place):
    data_set(place / "sky", splits="train")
    said = refused("bench", "--data", "sky")
    assert "no split 'test' (found train)" in said
    assert "--set data.test_split=" in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "it is empty"), (b"no image", "it is of no known format"), (b"\x89PNG\r\n\x1a\n", "format")],
)
def test_a_broken_image_is_named_before_anything_is_trained(
    refused, place, content, reason, tmp_path_factory, monkeypatch
):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path_factory.mktemp("cache")))  # where the other domain may stay, whole
    data_set(place / "sky")
    (place / "sky/train/dusk/1.png").write_bytes(content)
    said = refused("train", "--model", "cyclegan", "--data", "sky", "--out", "run", "--device", "cpu", *SMALL)
    assert "sky/train/dusk/1.png cannot be read as an image" in said
    assert reason in said
    assert "repair or remove it" in said


@both_commands
def test_a_broken_card_is_named(refused, place, command):
    (data_set(place / "sky") / "i2i.json").write_text("{")
    assert "i2i.json is not JSON" in refused(*command, "--data", "sky")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("train --model cyclegun --data sky", "unknown model 'cyclegun'; did you mean 'cyclegan'?"),
        (
            "bench --models stargan,pix2pixx --data sky",
            "unknown model 'pix2pixx'; did you mean 'pix2pix' or 'pix2pixhd'?",
        ),
        ("train --data sky", "which model? Choose one with --model"),
        ("train", "choose one with --model"),
        ("models --like star?", "no model matches 'star?'; there are"),
        (
            "train --model cyclegan --data sky --set data.domains=dawn,dask",
            "unknown domain 'dask'; did you mean 'dusk'?",
        ),
        ("bench --data sky --set data.domains=dawn,dask", "unknown domain 'dask'; did you mean 'dusk'?"),
        ("bench --data sky --set data.domains=summer,winter", "or all with --set data.domains=null"),
        (
            "bench --data sky --directions dawn2dask",
            "unknown direction 'dawn2dask'; did you mean 'dawn2dusk'? Known: dawn2dusk, dusk2dawn",
        ),
        ("bench --data sky --checkpoint best_on_val", "or 'best-on-val'; did you mean 'best-on-val'?"),
        ("bench --data sky --set data.fit=croped", "'resize' or 'pad'; did you mean 'crop'?"),
        ("train --model cyclegan --data sky --set train.precision=fp16", "'fp32' or 'bf16'; did you mean 'bf16'?"),
        ("bench --data sky --force cyclgan", "unknown method 'cyclgan'; did you mean 'cyclegan'?"),
        ("bench --data sky --force cyclegan,stargun --dry-run", "'stargun'; did you mean 'stargan'?"),
        ("bench --data sky --extractor timm:resnt18", "did you mean 'resnet18'"),
        (
            "train --model cyclegan --data sky --set model.widht=4",
            "unknown setting model: 'widht'; did you mean 'width'?",
        ),
        ("train --model cyclegan --data sky --set trian.seed=4", "unknown setting 'trian'; did you mean 'train'?"),
        ("bench --data sky --set stargan.widht=4", "stargan: unknown setting model: 'widht'; did you mean 'width'?"),
        ("bench --data sky --set stargun.width=4", "'stargun'; did you mean 'stargan' or 'stargan-v2'?"),
        ("bench --data sky --set budget.imags=4", "unknown setting suite.budget: 'imags'; did you mean 'images'?"),
        ("bench --suite quik", "unknown suite or settings 'quik'; did you mean 'quick'?"),
        ("train --model cyclegan --config publised", "'publised'; did you mean 'published'?"),
        ("bench --suite mine.yaml", "there is no settings file mine.yaml"),
        ("train --model cyclegan --config quick --set data.embedded=season", "'season'; did you mean 'seasons'?"),
        ("bench --set data.embedded=season", "unknown built-in dataset 'season'; did you mean 'seasons'?"),
        ("data make season --out new", "unknown built-in dataset 'season'; did you mean 'seasons'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(refused, place, arguments, complaint):
    data_set(place / "sky")
    assert complaint in refused(*arguments.split())


def test_a_bad_setting_of_a_variant_names_the_variant(refused, place):
    data_set(place / "sky")
    (place / "mine.yaml").write_text("models: [thin]\nvariants: {thin: {model: stargan}}")
    said = refused("bench", "--suite", "mine.yaml", "--data", "sky", "--set", "thin.widht=4")
    assert said.startswith("thin: unknown setting model: 'widht'; did you mean 'width'?")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("train.log_every=many", "train.log_every='many' does not fit"),
        ("train.images", "must look like section.name=value, e.g. train.images=20000"),
        ("images=5", "must look like section.name=value"),
        ("train.images=[1", "not valid YAML"),
        ("data.image_size=wide", "data.image_size='wide' does not fit: write N, HxW or [H, W]"),
        ("data.flip=perhaps", "data.flip='perhaps' does not fit"),
        ("data.domains=dawn,dawn", "data.domains names 'dawn' 2 times"),
        ("data.domains=dawn", "translation needs at least two domains, found only dawn"),
        ("data.train_split=learn", "no split 'learn' (found train, test)"),
    ],
)
@both_commands
def test_a_change_that_does_not_fit_is_named(refused, place, command, change, complaint):
    data_set(place / "sky")
    assert complaint in refused(*command, "--data", "sky", "--set", change)


@pytest.mark.parametrize(
    ("change", "instead"), [("train.seed=1", "--seeds 1"), ("train.images=9", "--budget images=N")]
)
def test_a_bench_refuses_settings_of_single_training_runs(refused, place, change, instead):
    data_set(place / "sky")
    assert instead in refused("bench", "--data", "sky", "--set", change)


@both_commands
def test_a_device_that_is_not_there_is_named(refused, place, command):
    data_set(place / "sky")
    for device, near in (("gpu", "cuda"), ("cdua", "cuda"), ("cpuu:0", "cpu"), ("msp", "mps")):
        said = refused(*command, "--data", "sky", "--device", device, "--set", "data.image_size=32", "--out", "new")
        assert f"--device {device} cannot be used here" in said
        assert f"only cuda, mps, cpu; did you mean '{near}'?)" in said
        assert "opencl" not in said


@both_commands
def test_a_stray_image_is_not_taken_for_aligned_pairs(refused, place, command):
    image(data_set(place / "sky") / "train/cover.png")
    said = refused(*command, "--data", "sky")
    assert "a folder per domain (train/dawn), or aligned side by side (train/cover.png): choose with --set" in said


def test_a_model_is_not_chosen_by_set(refused, place):
    data_set(place / "sky")
    assert "use --model" in refused("train", "--model", "cyclegan", "--data", "sky", "--set", "model.name=stargan")


@pytest.mark.parametrize("text", ["train: 5", "5", "[1", "trian: {}", "\x00"])
@pytest.mark.parametrize("command", [["train", "--model", "cyclegan", "--config"], ["bench", "--suite"]])
def test_a_settings_file_that_does_not_fit_is_answered(refused, place, command, text):
    data_set(place / "sky")
    (place / "mine.yaml").write_text(text)
    refused(*command, "mine.yaml", "--data", "sky")


@pytest.mark.parametrize("name", ["pix2pix", "pix2pixhd", "bridge"])
def test_methods_that_learn_from_pairs_are_not_trained_without_and_say_the_way_out(refused, place, name):
    data_set(place / "sky")
    said = refused("train", "--model", name, "--data", "sky", "--set", "data.image_size=16")
    assert f"{name} cannot be trained on" in said
    assert "it learns from aligned pairs and sky has none: names are equal in all domains, but only numbers" in said
    assert "--set data.paired=true" in said
    for path in list((place / "sky").rglob("*.*")):
        path.rename(path.with_name(f"{path.parent.name}{path.name}"))
    said = refused("train", "--model", name, "--data", "sky", "--set", "data.image_size=16")
    assert (
        "sky has none: give both images of a pair one name, or take a model that needs none, such as cyclegan" in said
    )


@pytest.mark.integration
def test_a_bench_skips_pix2pix_without_pairs_and_says_why(place, capsys):
    data_set(place / "sky")
    before = contents(place)
    assert run("bench", "--data", "sky", "--dry-run", *SMALL_BENCH) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("skip       pix2pix: it learns from aligned pairs and sky has none")
    assert not any("pix2pix" in line for line in lines[1:])
    assert any(line.startswith("train      cyclegan") for line in lines)
    assert contents(place) == before


def test_a_bench_of_nothing_but_pix2pix_without_pairs_is_refused(refused, place):
    data_set(place / "sky")
    said = refused("bench", "--models", "pix2pix", "--data", "sky", *SMALL_BENCH)
    assert "no model can be trained on" in said
    assert "pix2pix: it learns from aligned pairs" in said


@pytest.mark.parametrize(
    ("model", "size", "remedy"),
    [
        ("cyclegan", "50", "50x50 pixels does not divide by 4, which this model needs: use --set data.image_size=48"),
        (
            "stargan",
            "50x64",
            "50x64 pixels does not divide by 4, which this model needs: use --set data.image_size=48x64",
        ),
        ("pix2pix", "34", "34x34 pixels cannot be halved twice by pix2pix's U-Net: use a power of two"),
    ],
)
@pytest.mark.parametrize("command", ["train", "bench"])
def test_a_size_that_does_not_divide_is_told_one_that_does(refused, place, command, model, size, remedy):
    data_set(place / "sky", paired=True)
    model_option = "--model" if command == "train" else "--models"
    assert remedy in refused(command, model_option, model, "--data", "sky", "--set", f"data.image_size={size}")


def test_a_depth_that_does_not_divide_is_told_a_size_that_does(refused, place):
    data_set(place / "sky", paired=True)
    change = ["--set", "data.image_size=36", "--set", "model.depth=4"]
    said = refused("train", "--model", "pix2pix", "--data", "sky", *change)
    assert "36x36 pixels does not divide by 16" in said
    assert "--set data.image_size=32" in said


def test_too_many_domains_for_a_pair_are_told_how_to_choose(refused, place):
    data_set(place / "sky", "dawn noon dusk")
    said = refused("train", "--model", "cyclegan", "--data", "sky", *SMALL)
    assert "choose two with --set data.domains=dawn,dusk" in said


@pytest.mark.parametrize(
    "command", [["train", "--resume", "run"], ["translate", "run", "x.png", "--target", "dusk", "--out", "new"]]
)
def test_a_checkpoint_of_another_format_is_named(refused, trained, place, command):
    image(place / "x.png")
    spoil(trained, format=99, i2i="9.9")
    said = refused(*command)
    assert "checkpoint format 99" in said
    assert "use the i2i that wrote it (9.9) or train again" in said


@pytest.mark.parametrize("name", ["checkpoint.json", "model.safetensors"])
def test_a_broken_checkpoint_is_named(refused, trained, place, name):
    image(place / "x.png")
    (path,) = trained.glob(f"checkpoints/*/{name}")
    path.write_bytes(path.read_bytes()[:20])
    said = refused("translate", "run", "x.png", "--target", "dusk", "--out", "new")
    assert f"{name} cannot be" in said
    assert "remove" in said


@pytest.mark.parametrize("folder", ["gone", "empty", "letter.txt"])
@pytest.mark.parametrize("command", [["train", "--resume"], ["translate"]])
def test_a_folder_that_is_no_run_is_named(refused, place, command, folder):
    (place / "empty").mkdir()
    (place / "letter.txt").write_text("Dear reader")
    image(place / "x.png")
    rest = ["x.png", "--target", "dusk", "--out", "new"] if command == ["translate"] else []
    said = refused(*command, folder, *rest)
    assert folder in said
    assert ("is a file and no run folder" if folder == "letter.txt" else "i2i train --model NAME") in said


TRAIN = ["train", "--model", "cyclegan", "--data", "sky", "--device", "cpu", *SMALL]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("out", "complaint"),
    [
        ("sky", "sky, which is read: choose another place, outside of it"),
        ("sky/train", "sky, which is read: choose another place, outside of it"),
        ("sky/new/run", "sky, which is read: choose another place, outside of it"),
        ("link/run", "sky, which is read: choose another place, outside of it"),
        ("notes/../sky/run", "sky, which is read: choose another place, outside of it"),
        (".", "sky, which is read: choose another place, outside of it"),
        ("notes", "notes is not empty, it holds a.json: choose another --out or remove it"),
    ],
)
def test_no_training_begins_among_the_data_or_other_files(refused, place, out, complaint):
    data_set(place / "sky")
    (place / "link").symlink_to("sky")
    (place / "notes").mkdir()
    (place / "notes/a.json").write_text("{}")
    (place / "notes/.gitkeep").touch()
    assert complaint in refused(*TRAIN, "--out", out)
    if out == "sky/train":
        with pytest.raises(UserError, match=r"out='sky/train' lies in .*sky, which is read"):
            i2i.train("cyclegan", "sky", out=out, size=16, settings={"model.layers": 1}, device="cpu")


@pytest.mark.integration
def test_the_default_run_folder_is_refused_where_one_stands_in_the_data(refused, place, monkeypatch):
    data_set(place / "sky")
    monkeypatch.chdir(place / "sky")
    assert "--out runs/cyclegan-sky lies in" in refused("train", "--model", "cyclegan", "--data", ".", *SMALL)


@pytest.mark.integration
@pytest.mark.parametrize("there", ["run/.gitkeep", "run/slurm-7.out", "run/config.yaml", "sky-2/a.txt"])
def test_a_training_begins_beside_the_data_and_where_one_had_begun(place, there):
    data_set(place / "sky")
    (place / there).parent.mkdir()
    (place / there).touch()
    assert run(*TRAIN, "--out", "run", "--dry-run") == 0


@pytest.mark.integration
def test_no_bench_begins_among_the_data(refused, place):
    data_set(place / "sky")
    said = refused("bench", "--models", "identity", "--data", "sky", *SMALL_BENCH, "--out", "sky/test/bench")
    assert "sky, which is read: choose another place, outside of it" in said


def translate(*inputs: str, target: str = "dusk", out: str = "new") -> list[str]:
    return ["translate", "run", *inputs, "--target", target, "--out", out, "--device", "cpu"]


def test_translating_writes_the_images_and_nothing_else(trained, place, capsys):
    """The control of the refusals below: the same command with nothing wrong in it."""
    image(place / "x.jpg")
    image(place / "more/deep/y.png")
    before = contents(trained)
    assert run(*translate("x.jpg", "more")) == 0
    assert sorted(path.relative_to("new").as_posix() for path in Path("new").rglob("*.*")) == ["deep/y.png", "x.png"]
    assert contents(trained) == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (translate("gone.png"), "there is no image or folder gone.png"),
        (translate("empty"), "there are no images in empty"),
        (translate("x.png", target="dask"), "unknown domain 'dask'; did you mean 'dusk'?"),
        ([*translate("x.png"), "--source", "dawm"], "unknown domain 'dawm'; did you mean 'dawn'?"),
        ([*translate("x.png"), "--source", "dusk"], "does not translate dusk to dusk; it translates dawn to dusk"),
        (translate("x.png", "folder/x.png"), "x.png and folder/x.png would both become x.png"),
        ([*translate("x.png"), "--tile", "64"], "--tile is for translations at full resolution: add --full-resolution"),
        (
            [*translate("x.png"), "--passes", "0"],
            "--passes is for translations at full resolution: add --full-resolution",
        ),
        (translate("x.png", "zero.png"), "zero.png cannot be read as an image (it is empty)"),
        (translate("x.png", "letter.txt"), "letter.txt cannot be read as an image"),
        (translate("x.png", out="."), "x.png is one of the images to translate: choose another --out"),
        (translate("x.png", out="letter.txt"), "letter.txt is a file: choose a folder with --out"),
    ],
)
def test_a_translation_that_cannot_be_made_is_refused_before_anything_is_written(
    refused, trained, place, arguments, complaint
):
    image(place / "x.png")
    image(place / "folder/x.png")
    (place / "empty").mkdir()
    (place / "zero.png").touch()
    (place / "letter.txt").write_text("Dear reader")
    assert complaint in refused(*arguments)


def test_a_broken_image_among_many_is_found_before_the_first_is_written(refused, trained, place):
    for number in range(20):
        image(place / f"many/{number:02d}.png")
    (place / "many/19.png").write_bytes(b"no image")
    assert "many/19.png cannot be read as an image" in refused(*translate("many"))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--model", "stargan"], "leave out --model"),
        (["--out", "new"], "leave out --out"),
        (["--set", "model.learning_rate=1e-4"], "another model.learning_rate, start a new training from them with i2i"),
        (["--set", "data.image_size=32"], "another data.image_size, start a new training from them with i2i"),
    ],
)
def test_resume_takes_no_other_options_than_a_budget_and_a_place(refused, trained, option, told):
    assert told in refused("train", "--resume", "run", *option)


def test_a_finished_training_is_not_resumed(refused, trained):
    said = refused("train", "--resume", "run")
    assert "run is finished: step 2 of 2, 4 images" in said
    assert "larger budget: i2i train --resume run --set train.images=" in said


def test_a_training_whose_data_are_gone_is_not_resumed(refused, trained):
    (path,) = trained.glob("checkpoints/*/checkpoint.json")
    settings = json.loads(path.read_text())["settings"]
    settings["data"]["path"] = "gone"
    spoil(trained, settings=settings, step=1)
    assert "no data at gone any more" in (said := refused("train", "--resume", "run"))
    assert "say where to with i2i train --resume run --data DIR" in said


def test_a_run_folder_with_a_training_is_not_trained_over(refused, trained, place):
    data_set(place / "sky")
    said = refused("train", "--model", "cyclegan", "--data", "sky", "--out", "run", *SMALL)
    assert "run holds a training already: go on with --resume run, or choose another folder with --out" in said


@pytest.mark.parametrize("out", ["letter.txt", "letter.txt/below"])
@both_commands
def test_a_file_in_the_place_of_the_output_folder_is_named(refused, place, command, out):
    data_set(place / "sky")
    (place / "letter.txt").write_text("Dear reader")
    said = refused(*command, "--data", "sky", "--out", out, "--set", "data.image_size=32")
    assert "letter.txt is a file: choose a folder with --out" in said


def test_a_bench_leaves_a_folder_of_other_files_alone(refused, place):
    data_set(place / "sky")
    (place / "thesis").mkdir()
    (place / "thesis/chapter1.tex").write_text("All men are")
    said = refused("bench", "--data", "sky", "--out", "thesis", *SMALL_BENCH)
    assert "thesis holds other files and no bench: choose another folder with --out" in said


def test_missing_inception_weights_are_named(refused, place):
    data_set(place / "sky")
    assert "gone.pth" in refused("bench", "--data", "sky", "--inception", "gone.pth", *SMALL_BENCH)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--out thesis", "thesis is not empty: choose another --out or remove it"),
        ("--out thesis/chapter1.tex", "chapter1.tex is a file: choose a folder with --out"),
        ("--out .", ". is the folder you are in: choose a new one with --out"),
        ("--out new --size big", "size.image_size='big' does not fit: write N, HxW or [H, W]"),
        ("--out new --size 12", "seasons cannot be drawn at 12x12 pixels: sides from 16 on"),
    ],
)
def test_a_set_that_cannot_be_drawn_there_or_so_is_refused(refused, place, options, complaint):
    (place / "thesis").mkdir()
    (place / "thesis/chapter1.tex").write_text("All men are")
    assert complaint in refused("data", "make", "seasons", "--scenes", 1, "--test-scenes", 1, *options.split())


def test_a_drawing_that_fails_leaves_nothing_behind(place, monkeypatch):
    from i2i.data.synthetic import embedded

    def fail(*arguments: object) -> np.ndarray:
        raise KeyboardInterrupt

    monkeypatch.setitem(embedded.EMBEDDED, "seasons", embedded.EMBEDDED["seasons"]._replace(draw=fail))
    assert run("data", "make", "seasons", "--out", "new", "--size", 16, "--scenes", 2) == 130
    assert contents(place) == {}


@pytest.mark.parametrize("contents_", [b"Dear reader", b"", b"\x80\x04]q\x00.", b"PK\x03\x04"])
def test_weights_that_are_no_inception_are_told_before_the_bench(refused, place, contents_):
    data_set(place / "sky")
    (place / "weights.pth").write_bytes(contents_)
    said = refused("bench", "--data", "sky", "--inception", "weights.pth", *SMALL_BENCH)
    assert "weights.pth" in said
    assert "i2i weights get inception" in said


def test_tensorboard_that_is_not_installed_is_told_before_the_training(refused, place, monkeypatch):
    data_set(place / "sky")
    monkeypatch.setattr("i2i.tracking.registry.find_spec", lambda name: None)
    said = refused("train", "--model", "cyclegan", "--data", "sky", "--tensorboard", *SMALL)
    assert "pip install 'i2i[tensorboard]'" in said


def test_columns_left_out_for_want_of_weights_are_told_with_the_remedy(place, capsys, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(place / "hub"))
    data_set(place / "sky")
    folders = ["--fake", "sky/test/dawn", "--real", "sky/test/dusk", "--source", "sky/test/dawn"]
    assert run("score", *folders, "--device", "cpu") == 0
    said = capsys.readouterr().out
    assert "`i2i weights get inception`" in said
    assert "`i2i weights get lpips-alex`" in said
