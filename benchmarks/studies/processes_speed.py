"""Training throughput of one process, of one with two threads, and of two processes, side by side on the CPU.

    python benchmarks/studies/processes_speed.py --pairs 2

Whole training runs on the built-in dataset with the small networks of the default bench, in turn; printed is the
speed that each reports over all its steps. Compare within one run only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TRAININGS = {
    "cyclegan": ["data.domains=summer,winter", "train.batch_size=4", "train.images=480"],
    "stargan": ["train.batch_size=16", "train.images=960"],
}
WAYS = {"1 process of 1 thread": (1, 1), "1 process of 2 threads": (1, 2), "2 processes of 1 thread": (2, 1)}


def images_per_second(model: str, processes: int, threads: int) -> float:
    """Of one training, from its log."""
    launcher = ["-m", "torch.distributed.run", f"--nproc-per-node={processes}"] if processes > 1 else []
    settings = [f"--set={setting}" for setting in (*TRAININGS[model], "train.log_every=100000")]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        command = [*launcher, "-m", "i2i", "train", f"--model={model}", "--device=cpu", f"--out={run}", *settings]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        subprocess.run([sys.executable, *command], env=environment, check=True, capture_output=True)
        last = (run / "metrics.jsonl").read_text().splitlines()[-1]
    return float(json.loads(last)["images_per_second"])


def main() -> None:
    """Train each model in each way, in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2, help="turns of all ways")
    for turn in range(parser.parse_args().pairs):
        for model in TRAININGS:
            for way, (processes, threads) in WAYS.items():
                print(f"{turn + 1}: {model:<8} {way:<23} {images_per_second(model, processes, threads):6.1f} images/s")


if __name__ == "__main__":
    main()
