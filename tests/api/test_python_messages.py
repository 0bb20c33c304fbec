"""Errors of functions speak of arguments, where those of commands speak of options."""

import pytest

from i2i.api.python_messages import in_python, pythonic
from i2i.errors import Damaged, UserError
from i2i.utils.text import option, set_list

FLAGS = ["full_resolution", "skip_bad"]


@pytest.mark.parametrize(
    ("command", "python"),
    [
        (option("--source", "day"), "source='day'"),
        (f"give {option('--source', 'a b')} or {option('--source', '-x')}", "give source='a b' or source='-x'"),
        ("--seed 5: there is no noise", "seed=5: there is no noise"),
        ("add --full-resolution, or --skip-bad.", "add full_resolution=True, or skip_bad=True."),
        (
            "choose another folder with --out, or leave --model out",
            "choose another folder with out, or leave model out",
        ),
        ("--resume takes everything but --data", "resume takes everything but data"),
        ("take --weights ema or best", "take weights='ema' or best"),
        (set_list("data.domains", ["tench, Tinca", "b"]), "settings={'data.domains': ['tench, Tinca', 'b']}"),
        ("use --set train.batch_size=4.", "use settings={'train.batch_size': 4}."),
        ("or --set data.val_split=..., or", "or settings={'data.val_split': ...}, or"),
        ("a longer budget by --set", "a longer budget by settings"),
        ("a - b -- c-d --", "a - b -- c-d --"),
        ("train it: i2i train --model NAME --out x; add --skip-bad", None),
        ("`i2i export --format hub` has written it", None),
    ],
)
def test_options_become_arguments_and_whole_commands_stay(command, python):
    expected = python or command.replace("add --skip-bad", "add skip_bad=True")
    assert in_python(command, FLAGS) == expected


def test_an_error_keeps_its_class_and_an_argument_that_is_a_flag_is_known_by_its_default():
    @pythonic
    def open_all(place, skip_bad=False):
        raise Damaged(place, "add --skip-bad")

    with pytest.raises(Damaged, match=r"^x:\nadd skip_bad=True$"):
        open_all("x")
    assert issubclass(Damaged, UserError)
