"""`i2i weights`: the published weights that metrics take."""

from typing import Annotated

import typer

from i2i.api.progress import counting
from i2i.utils import console

app = typer.Typer()


@app.callback(invoke_without_command=True)
def weights(
    context: typer.Context,
    extractor: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="Also show this extractor's file and what its distance is called."),
    ] = None,
) -> None:
    """List the published weights that metrics take: found, missing, or with a checksum that differs.

    Nothing is fetched but by `weights get NAME`.
    """
    if context.invoked_subcommand is None:
        from i2i.metrics.pretrained_table import lines

        for line in lines(extractor or []):
            console.say(line)


@app.command("get")
def get_weights(
    names: Annotated[
        list[str], typer.Argument(help="inception, imagenet, lpips-alex, lpips-vgg, lpips-squeeze, vgg16 or vgg19.")
    ],
) -> None:
    """Fetch published weights into torch's cache, checked by their checksums.

    Example: i2i weights get inception lpips-alex
    """
    from i2i.metrics.pretrained_table import get

    for name in names:
        with counting(f"fetching {name}") as progress:
            for line in get(name, progress):
                console.say(line)
