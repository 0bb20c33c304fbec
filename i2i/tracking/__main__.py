"""The process of a tracker, `python -m i2i.tracking NAME`: reads messages of `process.py` and does what they say."""

import json
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from i2i.tracking.registry import TRACKERS
from i2i.tracking.tracker import About, Tracker


def follow(lines: Iterable[str], cls: type[Tracker]) -> None:
    """Make a tracker of the first line, `begin`, and tell it the others; without an `end` the run was killed."""
    messages = map(json.loads, lines)
    tracker, status = _begun(next(messages), cls), "killed"
    for message in messages:
        kind = message.pop("kind")
        if kind == "end":
            status = message["status"]
            break
        if kind == "image":
            message["path"] = Path(message["path"])
        getattr(tracker, {"scalars": "scalars", "image": "image", "summary": "summary"}[kind])(**message)
    tracker.end(status)


def _begun(message: Mapping[str, Any], cls: type[Tracker]) -> Tracker:
    return cls(About(Path(message["folder"]), message["name"], message["group"], message["settings"]))


def main() -> None:
    """Load the tracker's library, and follow standard input."""
    module, _, name = TRACKERS[sys.argv[1]].partition(":")
    cls = getattr(import_module(module), name)
    try:
        follow(sys.stdin, cls)
    except Exception as error:
        print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
