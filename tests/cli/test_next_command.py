"""What is printed to be pasted works, what is translated twice is told, and what was exported translates."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from i2i.utils.text import argument, option, shell
from tests.robustness.test_bad_input import SMALL, contents, data_set, image, run
from tests.robustness.test_bad_input import place as place
from tests.robustness.test_bad_input import refused as refused
from tests.robustness.test_bad_input import trained as trained
from tests.robustness.test_bad_input import trained_once as trained_once

TRANSLATE = ["translate", "run", "sky/test/dawn", "--target", "dusk", "--device", "cpu", "--out"]


@pytest.mark.parametrize(
    "word", ["a b", "-x", "$HOME", "it's", "a;b", "`id`", "a\nb", "\x1b[2J", "ü", "\udcff", "", "\\'\n"]
)
def test_a_word_comes_through_a_shell_as_it_was(word):
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {shell(word, 'end')}"], capture_output=True, check=True)
    assert done.stdout == word.encode(errors="surrogateescape") + b"\0end\0"
    assert shell(word).isprintable()


def test_values_that_begin_with_a_dash_are_no_options():
    assert shlex.split(option("--target", "-x y")) == ["--target=-x y"]
    assert shlex.split(option("--target", "x y")) == ["--target", "x y"]
    assert shlex.split(argument(Path("-my run"))) == ["./-my run"]


@pytest.mark.integration
def test_the_command_that_a_training_prints_works(place, capsys):
    data_set(place / "my sky", "clear,day -night;")
    data_set(place / "-sky", "clear,day -night;")
    out = ["--out=-my run", "--device", "cpu"]
    assert run("train", "--model", "cyclegan", "--data", "my sky", *SMALL, *out) == 0
    (line,) = re.findall("translate with: i2i (.*)", capsys.readouterr().out)
    words = [str(place / "my sky/test/clear,day") if word == "IMAGES" else word for word in shlex.split(line)]
    assert run(*words, "--device", "cpu") == 0
    assert len(list(Path("out").iterdir())) == 2


@pytest.mark.integration
def test_earlier_translations_are_replaced_only_when_asked(refused, trained, place, capsys):
    data_set(place / "sky")
    assert run(*TRANSLATE, "new") == 0
    capsys.readouterr()
    said = refused(*TRANSLATE, "new")
    assert "new/0.png and 1 more are there already" in said
    assert "--overwrite" in said
    before = contents(place / "new")
    assert run(*TRANSLATE, "new", "--overwrite") == 0
    assert contents(place / "new") != before


def test_translations_within_the_inputs_are_not_translated_again(trained, place):
    image(place / "photos/x.png")
    image(place / "photos/deep/y.png")
    for arguments in ([], ["--overwrite"]):
        command = ["translate", "run", "photos", "--target", "dusk", "--out", "photos/out", *arguments]
        assert run(*command, "--device", "cpu") == 0
        made = sorted(path.relative_to("photos/out").as_posix() for path in Path("photos/out").rglob("*.png"))
        assert made == ["deep/y.png", "x.png"]


@pytest.mark.parametrize("form", ["hub", "safetensors"])
def test_an_exported_folder_translates_as_the_run_does(trained, place, form):
    image(place / "x.png")
    assert run("export", "run", "--format", form, "--out", "exported") == 0
    for source in ("run", "exported"):
        command = ["translate", source, "x.png", "--target", "dusk", "--out", f"by-{source}", "--device", "cpu"]
        assert run(*command) == 0
    assert (place / "by-run/x.png").read_bytes() == (place / "by-exported/x.png").read_bytes()


@pytest.mark.integration
@pytest.mark.parametrize("model", ["cyclegan", "pix2pix"])
def test_without_data_a_model_of_pairs_learns_the_first_two_domains_and_says_so(place, capsys, model):
    small = ["--set", "data.scenes=2", "--set", "data.test_scenes=2", "--dry-run"]
    assert run("train", "--model", model, *small) == 0
    said = capsys.readouterr()
    assert "the first two of seasons, summer and winter" in said.err
    assert f"{model} on summer, winter at" in said.out
    assert run("train", "--model", model, *small, "--set", "data.domains=autumn,night") == 0
    said = capsys.readouterr()
    assert "the first two" not in said.err
    assert "on autumn, night at" in said.out
