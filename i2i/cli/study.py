"""`i2i study`: people rate the translations of a bench."""

from pathlib import Path
from typing import Annotated

import typer

from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.text import argument

app = typer.Typer(help="Human studies.", no_args_is_help=True)


@app.command("make")
def make_study(
    results: Annotated[Path, typer.Argument(help="Results folder of a bench.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not hold anything yet.")],
    mode: Annotated[
        str,
        typer.Option(help="real-fake: which image is the fake; preference: A or B; best-of: the best of several."),
    ] = "real-fake",
    raters: Annotated[int, typer.Option(min=1, max=1000, help="Pages, one for each rater.")] = 20,
    trials: Annotated[int, typer.Option(min=4, max=1000, help="Trials of each rater, beside those of practice.")] = 40,
    methods: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Methods, and `real`; by default all, with real images."),
    ] = None,
    choices: Annotated[
        int | None, typer.Option(min=2, max=9, help="Images to choose from in best-of; by default at most 4.")
    ] = None,
    consent: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Text that raters agree to, in place of our own.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of everything that is random.")] = 0,
) -> None:
    """Make a page for every rater, and the answer key.

    A page is one file that opens from disk, in any browser and on phones, and asks for nothing else. At the end it
    saves the answers to a small file, which the rater gives back. Keep key.json to yourself: it says what was shown.

    Examples:

        i2i study make bench/seasons --out study/

        i2i study make bench/seasons --mode preference --raters 30 --methods cyclegan,stargan,reinhard --out study/
    """
    from i2i.benchmarks.human_study.make import CONSENT, StudyOptions, make

    named = tuple(name.strip() for name in methods.split(",")) if methods is not None else None
    text = CONSENT if consent is None else _paragraphs(consent)
    made = make(results, out, StudyOptions(mode, raters, trials, named, choices, text, seed))
    console.say(
        f"{raters} pages of up to {made.largest / 1e6:.1f} MB and key.json in {out}: give each rater one page\n"
        f"read what they save with i2i study read {argument(out)} votes/*.json"
    )


@app.command("read")
def read_study(
    study: Annotated[Path, typer.Argument(help="Folder of the study.")],
    votes: Annotated[list[Path], typer.Argument(help="Files that the raters have saved.")],
    bench: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Results folder of the bench, if it has moved.")
    ] = None,
) -> None:
    """Read the votes: a table, intervals, tests and figures, and a section of the bench's report.html.

    Raters who break the rules that were fixed when the study was made are left out, with the reason.

    Example: i2i study read study/ votes/*.json
    """
    from i2i.benchmarks.human_study.answer_key import read_key
    from i2i.benchmarks.human_study.findings import findings
    from i2i.benchmarks.human_study.votes import read_all
    from i2i.benchmarks.report.study_report import publish, write

    key = read_key(study)
    found = findings(key, read_all(votes, key))
    files, text = write(study, found)
    console.say(text)
    console.say(f"results in {study}: {', '.join(files)}")
    publish(bench or Path(key.bench), found, named=bench is not None)


def _paragraphs(path: Path) -> tuple[str, ...]:
    """Those of a text file, with empty lines between them."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--consent {path} cannot be read ({error}): name a text file in UTF-8") from None
    found = tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
    if not found:
        raise UserError(f"--consent {path} holds no text: write what raters are to agree to")
    return found
