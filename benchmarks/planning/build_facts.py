"""What is recorded of a plan beside its training runs and jobs."""

from collections.abc import Mapping, Sequence

from i2i.benchmarks.directions import Training
from i2i.benchmarks.plan_facts import Chosen, ExternalFacts, LabelMapFacts, PlanFacts, Trained
from i2i.benchmarks.planning.context import Context
from i2i.benchmarks.planning.entries import BASELINES
from i2i.benchmarks.planning.keys import REAL_VERSION, SCORING_VERSION
from i2i.benchmarks.suite.external import Survey
from i2i.benchmarks.suite.schema import Suite
from i2i.data.pixel_formats import measured_ranges
from i2i.presets.methods import Budget, CheckpointRule


def facts_of_plan(
    context: Context,
    training_runs: Sequence[Training],
    surveys: Mapping[str, Survey],
    splits: tuple[str, ...],
    asked: Chosen,
) -> PlanFacts:
    """All that a report says of data, budget and settings. `splits` are those that results depend on."""
    height, width = context.data_config.image_size
    firsts = {training.method: training for training in reversed(training_runs)}
    suite = Suite.model_validate(context.suite.model_dump(mode="json"))  # with every default, for later versions
    facts = PlanFacts(
        dataset=str(context.data),
        recognized=context.data.recognized,
        paired=context.data.paired,
        domains=context.data.domains,
        directions=context.directions,
        splits=splits,
        fingerprint=context.fingerprint(*splits),
        image_size=f"{height}x{width}",
        budget=_budget(context),
        checkpoint=_rule_text(context, context.suite.checkpoint),
        seeds=context.suite.seeds,
        suite=suite,
        scoring_version=SCORING_VERSION,
        real_version=REAL_VERSION,
        lpips=context.lpips.fingerprint if context.lpips else None,
        chosen=asked,
        tried=context.tried,
        methods={
            **{name: _facts_of(context, firsts[name]) for name in reversed(firsts)},
            **{name: _facts_of_external(context, name, found) for name, found in surveys.items()},
        },
        baselines=tuple(row for row in BASELINES if row not in context.suite.models),
    )
    own = context.label_map
    palette = own and dict(zip(own.palette.names, own.palette.colors, strict=True))
    known: dict[str, object] = {"further_features": tuple(context.further)} if context.further else {}
    known |= {"label_map": LabelMapFacts(domain=own.domain, palette=palette)} if own and palette else {}
    formats = context.data_config.pixel_formats or {}
    known |= {"measured_ranges": measured_ranges(formats, context.data) if context.formats else ()} if formats else {}
    known |= {"pixel_formats": formats} if context.formats else {}
    return facts.model_copy(update=known)


def _budget(context: Context) -> Budget:
    """What training runs share: epochs of the data of each are as many images as each has."""
    budget = context.suite.budget
    unit, amount = budget.amount if budget.per == "task" else context.budget
    return Budget.model_validate({unit: amount, "per": budget.per})


def _facts_of(context: Context, training: Training) -> Trained:
    """A method's model and the settings that its training runs share, whatever their seed."""
    method = context.suite.method(training.method)
    settings = context.config(method, training.amount, training.seed).essentials()
    del settings["train"]["seed"], settings["model"]["name"]
    own = context.suite.own(method.model)
    rule = method.checkpoint if training.amount else CheckpointRule()
    facts = Trained(model=method.model, settings=settings, checkpoint=_rule_text(context, rule))
    code = {"source": own.label, "sha256": own.sha256} if own else {}
    return facts.model_copy(update={**context.asked(method), **code})


def _facts_of_external(context: Context, name: str, found: Survey) -> ExternalFacts:
    return ExternalFacts(
        external=context.suite.external[name].folder.name,
        sha256=found.sha256,
        intersection=found.partial,
        images=found.counts,
    )


def _rule_text(context: Context, rule: CheckpointRule) -> str:
    if rule.rule != "best-on-val":
        return rule.rule
    return f"best-on-val by {rule.metric or context.metric}, {rule.evaluation_count} evaluations"
