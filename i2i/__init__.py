"""i2i: a comparative zoo of image-to-image translators."""

from typing import TYPE_CHECKING

from i2i._lazy import offered
from i2i._version import __version__

__all__ = [
    "FinishedBench",
    "LoadedTranslator",
    "Scores",
    "TrainedRun",
    "__version__",
    "bench",
    "compare",
    "create",
    "from_pretrained",
    "load",
    "push_to_hub",
    "save_pretrained",
    "score",
    "train",
    "translate",
]

if TYPE_CHECKING:
    from i2i.api.benching import FinishedBench, bench
    from i2i.api.comparison import compare
    from i2i.api.loading import LoadedTranslator, from_pretrained, load, translate
    from i2i.api.scoring import Scores, score
    from i2i.api.training import TrainedRun, train
    from i2i.api.translators import create, push_to_hub, save_pretrained
else:
    __getattr__ = offered(
        __name__,
        **{
            "api.benching": ["FinishedBench", "bench"],
            "api.comparison": ["compare"],
            "api.loading": ["LoadedTranslator", "from_pretrained", "load", "translate"],
            "api.scoring": ["Scores", "score"],
            "api.training": ["TrainedRun", "train"],
            "api.translators": ["create", "push_to_hub", "save_pretrained"],
        },
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
