"""Draws some scenes of a built-in dataset, `python -m i2i.data.synthetic`, for `processes.py`: a line for each."""

import json
import sys
from pathlib import Path

from i2i.data.synthetic.embedded import draw_scene


def main() -> None:
    """Read an order from standard input and draw its part."""
    order = json.load(sys.stdin)
    splits = order["splits"]
    for scene in range(order["first"], len(splits), order["step"]):
        draw_scene(order["name"], Path(order["root"]), tuple(order["size"]), order["seed"], scene, splits[scene])
        print(scene, flush=True)


if __name__ == "__main__":
    main()
