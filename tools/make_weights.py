"""Meta-train the weights that handful ships, on simulated regions alone; an interrupted run goes on where it was.

Usage: make_weights.py [FOLDER], by default src/handful/weights. About an hour on 2 cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from handful import __version__
from handful.checkpoint import save
from handful.learner import Learner
from handful.learners import make
from handful.meta_train import STATE, Training, meta_train
from handful.region import Region, draw
from handful.simulate import region
from handful.task import Examples, Task, each

SEED = 0
SIZE = 96  # pixels a side of a region
POOL = 6000  # regions to train on; those of later steps are made while earlier ones are trained on
HELD_OUT = 30  # regions that weights are chosen on
GROWTH = 1  # regions that each step adds to those that it may draw from, beyond the first FIRST
FIRST = 20
QUERIES = 60  # query pixels a class
NET = {"width": 32, "blocks": 3, "kernel": 5, "windows": (5, 15, 45), "narrow": 16}
LEARNER = dict(encoder="spectral", encoder_settings=NET, seed=SEED)
TRAINING = Training(steps=10_000, tasks_per_step=2, step_size=2e-3, validate_every=1000, keep_every=100)


def varied(rng: np.random.Generator) -> dict[str, Any]:
    """Settings of a region: half of them of any optical sensor, labels sometimes coarse or wrong."""
    return {
        "sensor": "any" if rng.random() < 0.5 else "sentinel-2",
        "coarse": int(rng.choice([1, 1, 2, 3])),
        "label_noise": float(rng.choice([0.0, 0.0, 0.05])),
    }


def simulated(seed: int) -> Region:
    """One region to train on: any optical sensor, labels sometimes coarse or wrong, half precision to save memory."""
    torch.set_num_threads(1)
    rng = np.random.default_rng([SEED, seed])
    made = region(
        seed,
        size=SIZE,
        **varied(rng),
    )
    examples = made.examples
    inputs = {name: t.half() if name == "bands" else t for name, t in examples.inputs.items()}  # type: ignore[union-attr]
    return Region(made.name, Examples(inputs, examples.targets, examples.problem))


class Pool:
    """Regions by number, made ahead in another process."""

    def __init__(self, first_seed: int, count: int, makers: ProcessPoolExecutor):
        self.first_seed, self.count, self.makers = first_seed, count, makers
        self.made: list[Future[Region]] = []

    def __getitem__(self, index: int) -> Region:
        while len(self.made) <= min(index + 50, self.count - 1):
            self.made.append(self.makers.submit(simulated, self.first_seed + len(self.made)))
        return self.made[index].result()


def turned(examples: Examples, quarters: int, mirrored: bool) -> Examples:
    """The region turned by quarters and mirrored: north means little to land cover."""

    def turn(t: torch.Tensor) -> torch.Tensor:
        if t.dim() < 3:
            return t
        t = torch.rot90(t.float() if t.is_floating_point() else t, quarters, (-2, -1))
        return t.flip(-1) if mirrored else t

    return Examples(each(examples.inputs, turn), turn(examples.targets), examples.problem)


def episode(made: Region, shots: int, rng: np.random.Generator, *, turn: bool) -> Task:
    """A task on a region: `shots` pixels a class, and the same number of query pixels of every class."""
    examples = turned(made.examples, int(rng.integers(4)) if turn else 0, bool(turn and rng.random() < 0.5))
    problem, targets = examples.problem, examples.targets
    chosen = draw(examples, shots, rng)
    rest = Examples(examples.inputs, problem.blank(targets, ~chosen), problem)
    queries = Examples(examples.inputs, problem.blank(targets, draw(rest, QUERIES, rng)), problem)
    return Task(Examples(examples.inputs, problem.blank(targets, chosen), problem), queries, made.name)


def tasks_of(pool: Pool) -> Callable[[int], list[Task]]:
    def tasks(step: int) -> list[Task]:
        rng = np.random.default_rng([SEED, 1, step])
        among = min(POOL, FIRST + GROWTH * step)
        chosen = [int(rng.integers(among)) for _ in range(TRAINING.tasks_per_step)]
        return [episode(pool[i], int(np.exp(rng.uniform(0, np.log(20.99)))), rng, turn=True) for i in chosen]

    return tasks


@torch.no_grad()
def balanced_accuracy(learner: Learner, regions: list[Region], shots: int) -> float:
    """Mean over held-out regions; query classes are of equal size."""
    found = []
    for number, made in enumerate(regions):
        task = learner.encoded(episode(made, shots, np.random.default_rng([SEED, 2, number]), turn=False))
        answers = learner.adapt(task.support).predict(task.query.inputs)
        known = task.query.problem.labelled(task.query.targets)
        right = (answers == task.query.targets)[known]
        targets = task.query.targets[known]
        found.append(float(torch.stack([right[targets == c].float().mean() for c in targets.unique()]).mean()))
    return float(np.mean(found))


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "src/handful/weights")
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    began = time.monotonic()
    learner = make("ridge", **LEARNER)
    with ProcessPoolExecutor(1) as makers:
        held_out = list(makers.map(simulated, range(900_000, 900_000 + HELD_OUT)))

        def validate(trained: Learner) -> float:
            score = float(np.mean([balanced_accuracy(trained, held_out, shots) for shots in (1, 5, 20)]))
            print(f"held-out regions: balanced accuracy {score:.3f}", file=sys.stderr, flush=True)
            return score

        def progress(step: int, steps: int, loss: float) -> None:
            if step % 50 == 0:
                print(f"step {step} of {steps}, loss {loss:.3f}", file=sys.stderr, flush=True)

        pool = Pool(1_000_000, POOL, makers)
        key = repr((LEARNER, TRAINING, SEED, SIZE, POOL, HELD_OUT, GROWTH, FIRST, QUERIES))
        state = meta_train(
            learner, tasks_of(pool), TRAINING, validate=validate, folder=folder, key=key, progress=progress
        )
        scores = {str(shots): round(balanced_accuracy(learner, held_out, shots), 4) for shots in (1, 5, 20)}
        makers.shutdown(cancel_futures=True)
    record = {
        "handful": __version__,
        "seed": SEED,
        "trained_on": f"{POOL} simulated regions",
        "training": TRAINING.__dict__,
        "best_step": state.best_step,
        "balanced_accuracy": scores,
        "seconds": round(state.log[-1]["seconds"] if state.log else time.monotonic() - began, 1),
    }
    save(learner, "ridge", folder, **record)
    (folder / STATE).unlink(missing_ok=True)
    print(f"{folder}: {scores}", file=sys.stderr)


if __name__ == "__main__":
    main()
