"""The command line: its commands, one file each, and how errors end.

Heavy libraries are imported inside the commands, so that help is quick.
"""

import errno
import sys
from contextlib import suppress
from typing import Annotated

import typer

from i2i import __version__
from i2i.cli import bench, configs, data, export, grid, import_files, models, report, score, train, translate, weights
from i2i.errors import ContractBroken, ExportError, TrainingError, UserError

NO_MEMORY = (
    "there is not enough memory: take smaller pictures (--size, data.image_size) or batches (train.batch_size), "
    "fewer --workers, or another --device"
)

app = typer.Typer(
    name="i2i",
    help="Train image-to-image translators and compare them on the same data by the same measures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train.train)
app.command()(translate.translate)
app.command("import")(import_files.import_files)
app.command()(export.export)
app.command()(bench.bench)
app.command()(score.score)
app.command()(report.report)
app.command()(grid.grid)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.add_typer(configs.app, name="configs")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Entry point: errors that users can act on are printed in a line or two, without a traceback."""
    try:
        app()
    except UserError as error:
        _fail(str(error), 2)
    except (ContractBroken, TrainingError, ExportError) as error:
        _fail(str(error), getattr(error, "status", 1))
    except MemoryError:
        _fail(NO_MEMORY, 1)
    except RuntimeError as error:  # torch has no class of its own for the CPU
        if not _is_out_of_memory(error):
            raise
        _fail(NO_MEMORY, 1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _fail(f"the disk of {error.filename or 'the output'} is full: make room and run it again", 1)


def _is_out_of_memory(error: RuntimeError) -> bool:
    from i2i.memory import is_out_of_memory

    return is_out_of_memory(error)


def _fail(message: str, status: int) -> None:
    with suppress(OSError):  # a terminal that is gone changes no status
        print(f"i2i: {message}", file=sys.stderr)
    sys.exit(status)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"i2i {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself."""
