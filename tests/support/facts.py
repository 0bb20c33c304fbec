"""What is recorded of made-up plans."""

import json
from dataclasses import replace

from i2i.benchmarks.plan_facts import ExternalFacts, PlanFacts, Trained
from i2i.benchmarks.suite.schema import Suite

PLAIN = {
    "dataset": "made up",
    "paired": True,
    "domains": ["a", "b"],
    "directions": [["a", "b"], ["b", "a"]],
    "fingerprint": "0" * 16,
    "image_size": "16x16",
    "budget": {"images": 10},
    "seeds": [0],
    "suite": Suite().model_dump(mode="json"),
    "scoring_version": 2,
    "lpips": "LPIPS-none",
    "methods": {},
    "baselines": [],
}
METHOD = {"model": "identity", "settings": {}, "checkpoint": "last"}


def plan_facts(**given):
    """As plan.json would give them, but methods may have names that no file can have."""
    facts = {**PLAIN, **given}
    found = PlanFacts.model_validate_json(json.dumps({**facts, "methods": {}}))
    return found.model_copy(update={"methods": {name: _method(own) for name, own in facts["methods"].items()}})


def _method(own):
    return ExternalFacts(**own) if "external" in own else Trained(**{**METHOD, **own})


def with_facts(plan, **changed):
    """The plan with other facts."""
    return replace(plan, facts=plan_facts(**{**plan.facts.as_json(), **changed}))
