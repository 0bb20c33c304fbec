"""Ten steps of each model in double precision, alone or as one of the processes that the environment names.

As a script it prints what the first process saw: losses by model, and what the processes told each other.
"""

import json
import sys

import torch

from i2i import registry
from i2i.data.batches import LabelledBatch
from i2i.distributed.process_group import ALONE, joined
from i2i.testing import Subject
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step

BATCH, STEPS, CPU = 4, 10, torch.device("cpu")
SETTINGS = {
    "cyclegan": {"pool_size": 0},
    "pix2pix": {"norm": "instance", "dropout": 0},
    "stargan": {},
}


def draws(batch, step):
    """What StarGAN would draw at random for a whole batch: target labels, and places between real and fake."""
    if not isinstance(batch, LabelledBatch):
        return {}
    generator = torch.Generator().manual_seed(step)
    return {
        "targets": batch.labels[torch.randperm(BATCH, generator=generator)],
        "interpolation": torch.rand(BATCH, 1, 1, 1, generator=generator, dtype=torch.float64),
    }


def doubled(batch):
    return type(batch)(*(tensor.double() for tensor in vars(batch).values()))


def losses(name, processes=ALONE):
    """The terms of ten steps; checks that afterwards all processes hold the same numbers."""
    subject = Subject(registry.get(name), SETTINGS[name])
    translator = subject.build().double().train()
    optimizers, guard, seen = build_optimizers(translator), FiniteGuard(CPU), []
    for step in range(STEPS):
        rows = processes.share(BATCH)
        whole, mine = (
            doubled(subject.cls.batch.draw(subject.training_images(), subject.task.domains, BATCH, step, some))
            for some in (slice(None), rows)
        )
        fixed = {key: value[rows] for key, value in draws(whole, step).items()}
        terms = training_step(translator, optimizers, [mine], step, guard, fixed=[fixed], processes=processes)
        seen.append({key: float(term) for key, term in terms.items()})
    assert guard.fault() is None
    numbers = torch.cat([value.flatten().double() for value in translator.state_dict().values()])
    assert processes.alike(str(numbers.tolist()))
    return seen


def told(processes):
    """What every kind of exchange gives."""
    rank = processes.rank
    strided = torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last) * (rank + 1)
    ones = [torch.full((2,), float(rank)), strided]
    processes.average(ones)
    first = [torch.tensor([rank + 5]), torch.tensor(rank == 0)]
    processes.take_from_first(first)
    gathered = processes.gather({f"pool {n}": torch.full((n,), rank) for n in range(rank + 1, 3)})
    called = []
    processes.once(lambda: called.append(rank))
    return {
        "mean": ones[0].tolist(),
        "strided": ones[1].flatten().tolist(),
        "first": [tensor.tolist() for tensor in first],
        "largest": processes.largest(10 - rank),
        "of first": processes.of_first(0.25 + rank),
        "gathered": [{key: value.tolist() for key, value in one.items()} for one in gathered],
        "alike": [processes.alike("same"), processes.alike(f"not {rank}")],
        "called": called,
        "share": [processes.share(8).start, processes.share(8).stop],
    }


def main():
    with joined(CPU) as processes:
        seen = {name: losses(name, processes) for name in SETTINGS}
        exchanged = told(processes)
    if processes.first:
        json.dump({"losses": seen, "told": exchanged}, sys.stdout)


if __name__ == "__main__":
    main()
