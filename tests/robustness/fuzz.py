"""How long parsers are fuzzed: briefly in the suite, longer with I2I_FUZZ=EXAMPLES."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings

from i2i.errors import UserError

EXAMPLES = int(os.environ.get("I2I_FUZZ", "100"))
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
fuzzed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=CHECKS, database=None)


def answer(parse: Callable[..., Any], *arguments: Any) -> Any:
    """What a parser makes of its input, or None if it refuses it; any other error is a fault that fails the test."""
    with suppress(UserError):
        return parse(*arguments)
    return None
