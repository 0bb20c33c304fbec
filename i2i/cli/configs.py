"""`i2i configs`: the settings that ship with the program."""

from typing import Annotated

import typer

from i2i.utils import console

app = typer.Typer()


@app.callback(invoke_without_command=True)
def configs(context: typer.Context) -> None:
    """List the settings that ship with the program; `configs show NAME` prints one.

    Those of the papers for their data sets are for `train --config NAME`, the suites for `bench --suite NAME`.
    """
    from i2i.presets.files import listing

    if context.invoked_subcommand is None:
        console.say("\n".join(listing()))


@app.command("show")
def show_config(name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Shipped settings, or a file.")]) -> None:
    """Print settings with every default filled in, as YAML.

    Example: i2i configs show pix2pix-facades
    """
    from i2i.benchmarks.suite.resolve import resolved
    from i2i.config import to_yaml

    console.say(to_yaml(resolved(name)), end="")
