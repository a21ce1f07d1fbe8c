"""Meta-train the head of `in_context` on the shipped encoder, on simulated regions alone.

Usage: make_in_context.py FOLDER. Features are computed once and kept in the folder, and an interrupted run goes on
where it was. The folder is then a checkpoint; how it compares with the ridge on held-out regions is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from make_weights import varied

from handful.bench.statistics import interval
from handful.checkpoint import load, read_tensors, save, write_tensors
from handful.learner import Learner
from handful.learners import make
from handful.meta_train import STATE, Training, meta_train
from handful.problem import Classes
from handful.region import draw
from handful.simulate import region
from handful.solvers import rows
from handful.task import Examples, Task

SEED = 0
SIZE = 96  # pixels a side of a region
MOST = 100  # labelled pixels a class whose features are kept
TRAIN, CHOOSE, TEST = (3_000_000, 1500), (900_000, 60), (950_000, 60)  # first seed and number of regions
CHUNK = 50  # regions a file
QUERIES = 20  # query pixels a class
SHIPPED = Path(__file__).parent.parent / "src/handful/weights"
TRAINING = Training(steps=6000, tasks_per_step=8, step_size=2e-3, validate_every=500, keep_every=100)

Table = tuple[torch.Tensor, torch.Tensor]  # features (rows, width) in half precision and labels (rows,) of a region


def table(encoder: torch.nn.Module, seed: int) -> Table:
    """A region of one or two dates, of any optical sensor, with labels sometimes coarse or wrong."""
    rng = np.random.default_rng([7, seed])
    made = region(seed, size=SIZE, **varied(rng), dates=2 if rng.random() < 0.25 else 1)
    chosen = draw(made.examples, MOST, rng).flatten()
    with torch.no_grad():
        return rows(encoder(made.examples.inputs))[chosen].half(), made.examples.targets.flatten()[chosen]


def tables(encoder: torch.nn.Module, folder: Path, part: tuple[int, int]) -> list[Table]:
    """Those of a part, made and kept where they aren't yet."""
    first, count = part
    found: list[Table] = []
    for start in range(first, first + count, CHUNK):
        path, seeds = folder / f"features-{start}.safetensors", range(start, min(start + CHUNK, first + count))
        if not path.exists():
            made = {seed: table(encoder, seed) for seed in seeds}
            named = {f"features.{s}": t[0] for s, t in made.items()} | {f"labels.{s}": t[1] for s, t in made.items()}
            write_tensors(path, named)
            print(f"features of {start - first + len(seeds)} of {count} regions", file=sys.stderr, flush=True)
        kept = read_tensors(path)
        found += [(kept[f"features.{seed}"], kept[f"labels.{seed}"]) for seed in seeds]
    return found


def episode(of: Table, shots: int, rng: np.random.Generator, *, some: bool = False) -> Task:
    """A task on a region: `shots` pixels a class (fewer where there are no more) and others to ask about.

    some  of its classes only, two or more
    """
    features, labels = of[0].float(), of[1]
    classes = rng.permutation(np.unique(labels.numpy()))
    classes = classes[: rng.integers(2, len(classes) + 1)] if some else classes
    problem = Classes(tuple(str(name) for name in classes))
    sets: tuple[list[int], list[int]] = ([], [])
    for name in classes:
        at = rng.permutation(np.flatnonzero(labels.numpy() == name))
        known = min(shots, len(at) - 1)
        sets[0].extend(at[:known])
        sets[1].extend(at[known : known + QUERIES])
    place = torch.full((int(labels.max()) + 1,), -1)
    place[torch.from_numpy(classes)] = torch.arange(len(classes))
    support, query = (Examples({"features": features[at]}, place[labels[at]], problem) for at in sets)
    return Task(support, query)


def scores(learner: Learner, regions: list[Table], shots: int) -> np.ndarray:
    """Balanced accuracy of each region: query classes are of equal size, but for the rarest."""
    found = []
    for number, of in enumerate(regions):
        task = episode(of, shots, np.random.default_rng([SEED, 2, number]))
        right = (learner.adapt(task.support).predict(task.query.inputs) == task.query.targets).float()
        found.append(np.mean([float(right[task.query.targets == c].mean()) for c in task.query.targets.unique()]))
    return np.array(found)


def drawn(regions: list[Table], step: int) -> list[Task]:
    rng = np.random.default_rng([SEED, 1, step])
    tasks = []
    for _ in range(TRAINING.tasks_per_step):
        shots = int(np.exp(rng.uniform(0, np.log(20.99))))
        tasks.append(episode(regions[rng.integers(len(regions))], shots, rng, some=bool(rng.random() < 0.5)))
    return tasks


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    ridge, _ = load(SHIPPED)
    learner = make("in_context", encoder=ridge.encoder, encoder_settings=ridge.encoder_settings, seed=SEED)
    learner.net.encoder.load_state_dict(ridge.net.encoder.state_dict())
    learner.net.encoder.requires_grad_(False)
    learner.net.head.load_state_dict(ridge.net.head.state_dict(), strict=False)
    train, choose, test = (
        [of for of in tables(ridge.net.encoder, folder, part) if int(of[1].bincount().min()) > 1]
        for part in (TRAIN, CHOOSE, TEST)
    )

    def validate(trained: Learner) -> float:
        score = float(np.mean([scores(trained, choose, shots).mean() for shots in (1, 5, 20)]))
        print(f"held-out regions: balanced accuracy {score:.4f}", file=sys.stderr, flush=True)
        return score

    key = repr((TRAINING, SEED, TRAIN, CHOOSE, QUERIES, learner.settings()))
    state = meta_train(learner, lambda step: drawn(train, step), TRAINING, validate=validate, folder=folder, key=key)
    save(learner, "in_context", folder, trained_on=f"{TRAIN[1]} simulated regions", best_step=state.best_step)
    (folder / STATE).unlink(missing_ok=True)
    for shots in (1, 5, 20):
        ours, theirs = scores(learner, test, shots), scores(ridge, test, shots)
        gain = interval(ours - theirs)
        told = f"{ours.mean():.3f} against the ridge's {theirs.mean():.3f}"
        print(f"{shots} labels a class: {told}, {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})")


if __name__ == "__main__":
    main()
