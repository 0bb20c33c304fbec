"""What the training runs of a bench logged of themselves."""

from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.config import Settings
from i2i.watch.run_log import curves_of, drawable


def curves(plan: Plan) -> list[Settings]:
    """By training its model, seed, folder and curves: images seen against each value that was logged."""
    return [
        {"model": training.method, "seed": training.seed, "training": training.folder.name, "terms": terms}
        for training in plan.training_runs
        if (terms := drawable(curves_of(ResultsFolder(plan.out).run(training))))
    ]
