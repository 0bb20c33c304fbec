"""`i2i watch` and `i2i film`: how a training goes, from its run folder alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.given_paths import check_file

if TYPE_CHECKING:
    from i2i.watch.state import Watched


PAGES = (".html", ".htm")
"""Suffixes of a page, which no file of a run folder has."""


def watch(
    place: Annotated[Path, typer.Argument(metavar="RUN_OR_BENCH", help="Run folder, or results folder of a bench.")],
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="By default the first free one from 7870.")] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in a browser.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the page as one HTML file, as things are now, and serve nothing.")
    ] = None,
) -> None:
    """Serve a page for this machine alone: curves, samples and time left, while it trains or afterwards.

    Everything is read from the run folder, so the training need not know. Ctrl-C ends the page and nothing else.

    Examples:

        i2i watch runs/stargan-seasons

        i2i watch bench/seasons --browser

        i2i watch bench/seasons --out progress.html
    """
    if out is None:
        _serve(_watched(place), port, browser)
    else:
        if out.suffix.lower() not in PAGES:
            raise UserError(f"--out {out} must end in {' or '.join(PAGES)}")
        check_file(out, "--out", new_folder=True)
        _write(_watched(place), out)


def film(
    run: Annotated[Path, typer.Argument(help="Run folder, also one inside a bench.")],
    out: Annotated[Path, typer.Option(help="Film to write, .webp or .gif.")],
    seconds: Annotated[float, typer.Option(min=0.02, max=60, help="How long each grid stays.")] = 0.5,
) -> None:
    """Make a film of the sample grids of a training, each with its step.

    Grids are written every `train.sample_every` steps and at the end; of many, 150 are shown.

    Examples:

        i2i film runs/stargan-seasons --out film.webp

        i2i film bench/seasons/trainings/stargan/seed0/all --out stargan.gif
    """
    from i2i.utils.atomic_write import write_bytes
    from i2i.watch.film import KINDS
    from i2i.watch.film import film as film_of

    if out.suffix.lower() not in KINDS:
        raise UserError(f"--out {out} must end in {' or '.join(KINDS)}")
    check_file(out, "--out", new_folder=True)
    if (run / "plan.json").is_file():
        raise UserError(f"{run} holds a bench: name one of its run folders, such as {_first_run(run)}")
    contents, steps = film_of(run, out.suffix.lower(), seconds)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(out, contents)
    console.say(f"{out}: {len(steps)} grids, steps {steps[0]:,} to {steps[-1]:,}")


def _watched(place: Path) -> "Watched":
    from i2i.runs.folder import looks_like_a_run
    from i2i.watch.state import Watched

    if (place / "plan.json").is_file():
        return Watched(place.absolute().name, _runs_of_bench(place))
    if not looks_like_a_run(place):
        raise UserError(
            f"{place} is no run folder and no results folder of a bench: name the --out of a training that has begun"
        )
    return Watched.of_run(place)


def _runs_of_bench(out: Path) -> dict[str, Path]:
    """Run folders of its training runs by the names that the bench gives them."""
    from i2i.benchmarks.results_folder.results_folder import ResultsFolder

    folder = ResultsFolder(out)
    runs = [planned.training() for planned in folder.plan.training_runs]
    return {str(training.folder.relative_to("trainings")): folder.run(training) for training in runs}


def _first_run(out: Path) -> Path:
    return next(iter(_runs_of_bench(out).values()))


def _serve(watched: "Watched", port: int | None, browser: bool) -> None:
    import webbrowser

    from i2i.watch.server import server

    with server(watched, port) as serving:
        address = f"http://{serving.server_name}:{serving.server_port}"
        console.say(f"the page is at {address} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            return


def _write(watched: "Watched", out: Path) -> None:
    from i2i.utils.atomic_write import write_text
    from i2i.watch.page import page_file

    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, page_file(watched))
    console.say(f"{out}")
