"""The command `i2i export`, as the tests of several formats run it."""

import sys

import pytest

from i2i import cli


@pytest.fixture
def stop(monkeypatch, capsys):
    """Runs the command; gives its exit status and what it said."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["i2i", "export", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            sys.exit(0)
        return int(ended.value.code or 0), capsys.readouterr()

    return call
