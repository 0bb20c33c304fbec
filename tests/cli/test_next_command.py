"""What is printed to be pasted works, what is translated twice is told, and what was exported translates."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from i2i.errors import UserError
from i2i.inference.translate_files import refuse_replaced
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


@pytest.mark.parametrize("out", ["photos", "photos/out", "photos/../photos/deep", "link", "photos/away"])
@pytest.mark.parametrize("command", ["translate", "interpolate", "video"])
def test_nothing_is_written_into_a_folder_whose_images_are_translated(refused, trained, place, command, out):
    for name in ("photos/x.jpg", "photos/deep/y.jpg"):
        image(place / name)
    (place / "elsewhere").mkdir()
    (place / "link").symlink_to("photos")
    (place / "photos/away").symlink_to(place / "elsewhere")
    for words in ([], ["--overwrite"]):
        said = refused(command, "run", "photos", "--target", "dusk", "--out", out, *words)
        assert "photos, which is read: choose another place, outside of it" in said


def test_images_named_one_by_one_can_be_translated_into_their_own_folder(trained, place):
    image(place / "photos/x.jpg")
    assert run("translate", "run", "photos/x.jpg", "--target", "dusk", "--out", "photos", "--device", "cpu") == 0
    assert sorted(path.name for path in (place / "photos").iterdir()) == ["x.jpg", "x.png"]


@pytest.mark.parametrize("role", ["image", "reference"])
@pytest.mark.parametrize("by", ["another spelling", "symbolic link", "hard link"])
def test_no_translation_replaces_an_image_that_is_read_whatever_its_other_name_is(place, role, by):
    given, out = image(place / "photos/x.png"), place / "out"
    out.mkdir()
    if by == "symbolic link":
        (out / "x.png").symlink_to(given)
    elif by == "hard link":
        os.link(given, out / "x.png")
    else:
        out = place / "out/../photos"
    images, references = ([given], []) if role == "image" else ([], [None, given])
    with pytest.raises(UserError, match=f"x.png is .*{role}.*: choose another --out"):
        refuse_replaced([out / "x.png"], images, references)
    refuse_replaced([out / "y.png"], images, references)


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
