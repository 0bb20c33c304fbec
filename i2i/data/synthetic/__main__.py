"""Draws some scenes of a built-in dataset for `processes.py`, and says the number of each on a line."""

import json
import sys
from pathlib import Path

from i2i.data.synthetic.embedded import draw_scene


def main() -> None:
    """Read an order from standard input and draw its part."""
    order = json.load(sys.stdin)
    root, size = Path(order["root"]), tuple(order["size"])
    for scene in order["scenes"]:
        draw_scene(order["name"], root, size, order["seed"], scene, order["splits"][scene])
        print(scene, flush=True)


if __name__ == "__main__":
    main()
