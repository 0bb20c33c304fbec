"""`i2i demo`: a page on which trained models can be tried."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from i2i.api.settings import registered
from i2i.cli.options import CustomModelOption, DeviceOption
from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.text import option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from i2i.config import DataConfig
    from i2i.demo.methods import Method


def demo(
    place: Annotated[Path, typer.Argument(metavar="RUN_OR_BENCH", help="Run folder, or results folder of a bench.")],
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 lets other machines in, and anybody on them.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="By default the first free one from 7860.")] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in a browser.")] = False,
    model: CustomModelOption = None,
    device: DeviceOption = None,
) -> None:
    """Serve a page: upload an image, choose model and domain, compare the translations, download them.

    It is there until Ctrl-C.

    Examples:

        i2i demo runs/stargan-seasons

        i2i demo bench/seasons --port 8000
    """
    from i2i.demo.examples import examples
    from i2i.demo.methods import Loader, takes_of
    from i2i.demo.page import PageContents, require_gradio, serve
    from i2i.training.device import choose_device

    require_gradio()
    registered(model)
    methods, config = _of_bench(place) if (place / "plan.json").is_file() else _of_run(place)
    with TemporaryDirectory(prefix="i2i-examples-") as folder:
        shown = PageContents(place.absolute().name, methods, takes_of(methods), examples(config, Path(folder)))
        serve(shown, Loader(choose_device(device)), host, port, browser)


def _of_run(run: Path) -> "tuple[list[Method], DataConfig]":
    from i2i.config import DataConfig, validate
    from i2i.demo.methods import Method

    method = Method.of_run(run)
    return [method], validate(DataConfig, method.checkpoint.settings["data"], "data")


def _of_bench(out: Path) -> "tuple[list[Method], DataConfig]":
    """Its methods, but for custom models whose code was not named."""
    from i2i.benchmarks.results_folder.results_folder import ResultsFolder
    from i2i.benchmarks.results_folder.trained_methods import trained_methods
    from i2i.demo.methods import Method

    every = [Method(name, runs) for name, runs in trained_methods(out).items()]
    methods = list(_known(every))
    if not methods:
        raise UserError(f"nothing is trained in {out} yet: run it with i2i bench {option('--out', out)}")
    return methods, ResultsFolder(out).plan.data_config()


def _known(methods: "list[Method]") -> "Iterator[Method]":
    from i2i import registry

    for method in methods:
        name = method.checkpoint.settings["model"]["name"]
        if name in registry.names():
            yield method
        else:
            console.note(f"i2i: {method.name} is left out: name its code with --model FILE.py:CLASS")
