"""Making a study: a page for every rater and the answer key."""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from i2i._version import __version__
from i2i.benchmarks.human_study.answer_key import EXPOSURE, FORMAT, MODES, REAL, AnswerKey, Mode, write_key
from i2i.benchmarks.human_study.rater_plan import PRACTICE, PreparedTrial, TrialPlanner
from i2i.benchmarks.human_study.rules import Rules
from i2i.benchmarks.human_study.stimuli import Source, Store
from i2i.benchmarks.results_folder.finished_bench import Finished
from i2i.benchmarks.results_folder.finished_results import Stored
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import identity_of
from i2i.config import stable_hash
from i2i.errors import UserError, unknown
from i2i.pages.html_page import html_page
from i2i.utils.atomic_write import new_folder
from i2i.utils.text import option

PAGE = Path(__file__).parent / "page"
LARGEST = 20_000_000
"""Bytes of a page, which is sent by mail and opened on phones."""
CONSENT = (
    "You take part of your own will and can stop at any time by closing the page. Nothing happens if you do.",
    "The page asks for no name and no other personal data. It sends nothing: your answers, and how long each took, "
    "stay in this browser until you save them to a file at the end. That file is what you give back.",
)


@dataclass(frozen=True)
class StudyOptions:
    """What a study is to be like.

    Attributes:
        mode: of `MODES`.
        raters: how many pages.
        trials: of each rater, beside those of practice.
        methods: names; None for all, with real images where they can take part.
        choices: images to choose from in the mode best-of; None for as many as there are methods, at most 4.
        consent: what is agreed to, by paragraph.
        seed: of everything that is random.
    """

    mode: str
    raters: int = 20
    trials: int = 40
    methods: tuple[str, ...] | None = None
    choices: int | None = None
    consent: tuple[str, ...] = CONSENT
    seed: int = 0


@dataclass(frozen=True)
class MadeStudy:
    """A study that was made: its key, and the bytes of the largest page."""

    key: AnswerKey
    largest: int


def make(bench: Path, out: Path, options: StudyOptions) -> MadeStudy:
    """Write the pages and the answer key of a study into a new folder.

    Raises:
        UserError: if the bench is not finished or has other images by now, for names it does not know, too few
            methods, or pages that would be too large.
    """
    mode = next((mode for mode in MODES if mode == options.mode), None)
    if mode is None:
        raise unknown("mode", options.mode, MODES)
    stored = Stored.load(bench)
    fingerprint = stored.card()["fingerprint"]
    finished = Finished(bench, stored.file)
    finished.check_data()
    methods = _methods(finished, mode, options.methods)
    choices = _choices(mode, methods, options.choices)
    source = Source(finished, tuple(name for name in methods if name != REAL))
    planner = TrialPlanner(source, mode, methods, choices, options.trials, options.seed)
    stated = {
        "mode": mode,
        "bench": str(bench),
        "dataset": stored.plan.dataset,
        "fingerprint": fingerprint,
        "seed": options.seed,
        "methods": methods,
        "baselines": tuple(name for name in methods if name in finished.facts.baselines),
        "translations": shown_translations(finished, source.methods),
    }
    study = stable_hash([FORMAT, stated, asdict(options), choices, __version__])
    with new_folder(out) as folder:
        plans, sizes = [], []
        for number in range(1, options.raters + 1):
            store = Store()
            prepared = planner.rater(number, store)
            page_data = {"study": study, "fingerprint": fingerprint, "mode": mode, "rater": number}
            text = _page(page_data, prepared, store, options, mode)
            sizes.append(_checked(len(text.encode()), store, options.trials, mode))
            (folder / f"rater-{number:0{len(str(options.raters))}d}.html").write_text(text, encoding="utf-8")
            plans.append(tuple(one.trial for one in prepared))
        key = AnswerKey(format=FORMAT, i2i=__version__, study=study, rules=Rules(), raters=tuple(plans), **stated)
        write_key(folder, key)
    return MadeStudy(key, max(sizes))


def shown_translations(finished: Finished, methods: tuple[str, ...]) -> dict[str, str]:
    """By method, what tells the translations that are shown from others that it may make later."""
    folder = ResultsFolder(finished.out)
    return {name: str(identity_of(folder.translations(name, finished.seed))) for name in methods}


def _methods(finished: Finished, mode: Mode, names: tuple[str, ...] | None) -> tuple[str, ...]:
    """Who is compared; real images need ground truth where they are to be a translation of the input."""
    real_too = mode == "real-fake" or finished.data.paired
    allowed = [*finished.methods, *([REAL] if real_too else [])]
    if names is None:
        chosen = allowed
    else:
        for name in names:
            if name in finished.lacking:
                raise UserError(finished.lacking[name])
            if name not in allowed:
                raise unknown("method", name, allowed)
        chosen = list(dict.fromkeys(names))
    least = 1 if mode == "real-fake" else 2
    if len([name for name in chosen if name != REAL]) < 1 or len(chosen) < least:
        raise UserError(f"a study of mode {mode} needs at least {least} methods, but has {', '.join(chosen) or 'none'}")
    return tuple(chosen)


def _choices(mode: Mode, methods: tuple[str, ...], choices: int | None) -> int:
    """How many images a trial has to choose from."""
    if mode != "best-of":
        return 2
    if choices is None:
        return min(4, len(methods))
    if choices > len(methods):
        raise UserError(f"--choices {choices} is more than there are methods: {len(methods)} ({', '.join(methods)})")
    return choices


def _page(
    page_data: Mapping[str, object], prepared: list[PreparedTrial], store: Store, options: StudyOptions, mode: Mode
) -> str:
    """The page of a rater. Images are numbered at random: their order would tell what belongs together."""
    numbers = list(range(len(store.addresses)))
    random.Random(f"{options.seed} page {page_data['rater']}").shuffle(numbers)
    addresses = [address for _, address in sorted(zip(numbers, store.addresses, strict=True))]
    study = {
        **page_data,
        "exposure": EXPOSURE.get(mode),
        "consent": list(options.consent),
        "trials": [one.on_page(numbers) for one in prepared],
    }
    return html_page(
        PAGE / "template.html", [PAGE / "style.css"], [PAGE / "page.js"], {"study": study, "images": addresses}
    )


def _checked(size: int, store: Store, trials: int, mode: Mode) -> int:
    if size <= LARGEST:
        return size
    practice = PRACTICE if mode == "real-fake" else 0
    images = sum(map(len, store.addresses))
    fit = int((trials + practice) * (LARGEST - size + images) / images) - practice
    raise UserError(
        f"a page of {trials} trials would take {size / 1e6:.1f} MB, and more than {LARGEST / 1e6:.1f} MB are too much "
        f"for phones: take fewer trials with {option('--trials', max(fit, 4))}"
    )
