"""What a reader must know beside the numbers: captions of the tables, a sentence per fact."""

from i2i import __version__
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results import Results


def caption(plan: Plan, results: Results, protocol: str | None) -> str:
    """What stands below the main table, as Markdown; `protocol` is the fingerprint of the protocol card."""
    facts = plan.facts
    modes = ", ".join(f"{name}: {cost.inference}" for name, cost in results.costs.items() if cost.parameters)
    lines = [
        f"{averaging(plan)} Data: {facts['dataset']}; {facts['image_size']} px; "
        f"fingerprint {facts['fingerprint'][:12]}.",
        budget_text(plan),
        "`n` is the number of scored pictures, of all seeds together. `seconds` is training time, summed over the "
        "trainings of a seed.",
        "`accuracy` is the share of translations that a classifier, trained on the real training pictures, takes "
        "for the target domain; in the row `real` it judges real test pictures.",
        "`identity` copies its input, `colour` moves channel means and deviations only; a translator has to beat both.",
    ]
    if "FD-domain-classifier" in results.metrics:
        lines.append(
            "`FD-domain-classifier` is the Frechet distance between features of that classifier, translations against "
            "real test pictures (row `real`: training against test pictures). It is not FID and comparable only "
            "within this table."
        )
    if "fid" in results.metrics:
        lines.append("FID with pytorch-fid's Inception features; row `real`: training against test pictures.")
    if modes:
        lines.append(f"When translating: {modes}.")
    lines += _seeds_missing(plan, results)
    lines += [f"Skipped: {name}, because {reason}." for name, reason in plan.skipped.items()]
    stated = f"Protocol {protocol}, written out in protocol.json; " if protocol else ""
    lines.append(f"{stated}i2i {__version__}.")
    return "\n".join(f"- {line}" for line in lines)


def costs_caption(plan: Plan) -> str:
    """How costs were measured, as Markdown."""
    seeds = len(plan.seeds())
    lines = [
        "What it takes to serve every direction" + (f" once, as means over {seeds} seeds." if seeds > 1 else "."),
        "`training seconds` are those of the steps; real pictures are counted, a pair as two. `translation` is timed "
        "from decoded pixels to pixels.",
        "`multiply-adds` are those of convolutions and matrix products in translating one picture of "
        f"{plan.facts['image_size']} px.",
        "`peak memory` is that of the hungriest training: of tensors on a GPU, on the CPU of the whole process.",
        "Seconds, speeds and memory are of this machine under its load.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def budget_text(plan: Plan) -> str:
    """The budget in a sentence."""
    images, per = f"{plan.facts['budget']['images']:,} images", plan.facts["budget"]["per"]
    if per == "dataset":
        return f"Budget: {images} per data set, divided over a model's trainings."
    return f"Budget: {images} for each training."


def averaging(plan: Plan) -> str:
    """What a value of the table is, in a sentence."""
    directions, seeds = f"{len(plan.directions)} directions", plan.seeds()
    if len(seeds) == 1:
        return f"Means over {directions}, seed {seeds[0]}."
    return (
        f"Means over {directions}, ± standard deviation over {len(seeds)} seeds "
        f"({', '.join(map(str, seeds))}; n - 1 in its denominator)."
    )


def _seeds_missing(plan: Plan, results: Results) -> list[str]:
    """Who has fewer seeds than the others, because trainings failed."""
    found = results.scores.groupby("model")["seed"].nunique().to_dict()
    return [
        f"{name}: only {found[name]} of {len(plan.seeds())} seeds were finished."
        for name in plan.contestants()
        if 0 < found.get(name, 0) < len(plan.seeds())
    ]
