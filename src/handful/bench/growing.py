"""Cells grown a block at a time, and a cheap guess which of them are worth a training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, islice

import numpy as np
import torch

from ..encoders.blocks import OPERATIONS, Block, Step, loose_ends, parsed, written
from ..solvers.linear import ridge, with_one

Words = tuple[str, ...]
PENALTY = 0.3  # of the guess; a few shares tell cells apart, and there are few trials to learn them from


@dataclass(frozen=True)
class Candidate:
    """A cell that is to be trained, or was.

    level      how many blocks it has
    predicted  the score that was guessed, None before any is known
    score      on the validation tasks; None before it is known, or where training failed
    failed     why it did
    """

    cell: Words
    width: int
    weights: int
    level: int = 1
    predicted: float | None = None
    score: float | None = None
    failed: str = ""


Fit = Callable[[Words], Candidate | None]
Score = Callable[[int, list[Candidate]], list[Candidate]]


def blocks(operations: Sequence[str], earlier: int) -> list[Block]:
    """Every block of one operation or two that can follow so many earlier ones; those of one come first."""
    steps = [Step(operation, of) for of in range(earlier + 1) for operation in operations]
    return [*((step,) for step in steps), *combinations_with_replacement(steps, 2)]


def first_cells(operations: Sequence[str], seed: int) -> list[Words]:
    """All cells of one block in a drawn order: each operation by itself first, so that each is seen."""
    every, rng = [written([block]) for block in blocks(operations, 0)], np.random.default_rng(seed)
    alone, pairs = every[: len(operations)], every[len(operations) :]
    return [part[index] for part in (alone, pairs) for index in rng.permutation(len(part))]


def grown(cells: Sequence[Words], operations: Sequence[str]) -> list[Words]:
    """Every cell with one block more, each once."""
    found = ((*cell, *written([block])) for cell in cells for block in blocks(operations, len(cell)))
    return list(dict.fromkeys(found))


def described(cell: Words) -> list[float]:
    """What the guess sees of a cell: the share of each operation, on its input and on blocks; its longest way.

    Shares and no counts, or a cell of twice as many good blocks would be guessed twice as good.
    """
    made, names = parsed(cell), list(OPERATIONS)
    counts, depths = np.zeros((2, len(names))), [0]
    for block in made:
        for step in block:
            counts[min(step.of, 1), names.index(step.operation)] += 1
        depths.append(1 + max(depths[step.of] for step in block))
    shares = counts / counts.sum()
    return [*shares.ravel(), *shares.sum(0), max(depths), len(loose_ends(made))]


def guessed(known: Sequence[Candidate], cells: Sequence[Words]) -> list[float]:
    """The scores of cells, from those that are known: ridge regression on what is described of them.

    A cell whose training failed counts as the worst.
    """
    worst = min(found.score for found in known if found.score is not None)
    scores = torch.tensor([worst if found.score is None else found.score for found in known], dtype=torch.float64)
    table = torch.tensor([described(found.cell) for found in known], dtype=torch.float64)
    weights = ridge(with_one(table), (scores - scores.mean())[:, None], PENALTY)
    asked = torch.tensor([described(cell) for cell in cells], dtype=torch.float64)
    return [round(value, 6) for value in (with_one(asked) @ weights + scores.mean())[:, 0].tolist()]


def progressive(
    operations: Sequence[str], levels: int, trials: int, seed: int, fit: Fit, score: Score
) -> Iterator[list[Candidate]]:
    """What was trained at each level: cells of one block, then the best-guessed of those that are grown from them.

    fit    a cell as a candidate, with its width and weights; None where no width keeps to the budget
    score  the candidates of a level with their scores
    It ends early where no larger cell keeps to the budget.
    """
    known: list[Candidate] = []
    for level in range(1, levels + 1):
        last = [found.cell for found in known if found.level == level - 1]
        cells = grown(last, operations) if known else first_cells(operations, seed)
        guesses: Sequence[float | None] = guessed(known, cells) if known else [None] * len(cells)
        order = sorted(range(len(cells)), key=lambda place: -(guesses[place] or 0.0))
        fitting = ((fit(cells[place]), guesses[place]) for place in order)
        chosen = islice(((found, guess) for found, guess in fitting if found is not None), trials)
        tried = [replace(found, level=level, predicted=guess) for found, guess in chosen]
        if not tried:
            return
        done = score(level, tried)
        yield done
        known += done


def best_of(known: Sequence[Candidate]) -> Candidate:
    """The highest score; of equals the one with the fewest weights, then the first."""
    scored = [found for found in known if found.score is not None]
    return min(scored, key=lambda found: (-(found.score or 0.0), found.weights))
