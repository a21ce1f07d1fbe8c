"""Several tasks at once: further targets that an encoder learns beside the main one, a head each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ..errors import SettingsError, TaskError
from ..problem import UNLABELLED, Classes, Prediction, Problem, Quantity
from ..solvers import rows, unrows
from ..task import ALSO, Examples, Inputs

NOISE_STEP = 0.02  # of the optimizer on log-variances: by the net's own a few hundred steps would hardly move them


def named_problem(text: str) -> tuple[str, Problem]:
    """`burn ratio` is a quantity, `forest kind: 3` three classes. Raises SettingsError for others."""
    name, colon, count = (part.strip() for part in text.partition(":"))
    if not name or (colon and not (count.isdecimal() and 2 <= int(count) <= 4096)):
        raise SettingsError(
            f"also: '{text}' is no further target: write its name, and for classes how many, as kind: 3."
        )
    return name, Classes(tuple(map(str, range(int(count))))) if colon else Quantity(name)


class Also(nn.Module):
    """A linear head for each further target, and how much each loss counts.

    The losses' weights are fixed, or learned with the net: Kendall, Gal & Cipolla 2018, arXiv:1705.07115, where each
    task has a noise of its own, learned as its log-variance s (section 3.2); see `Problem.under_noise`.
    Differs: a task of which a set of examples has no label counts for nothing there, its noise included; quantities are
    brought to mean 0 and deviation 1 of all that is trained on; log-variances have a step size of their own, no decay.

    texts    see `named_problem`
    weights  of the further losses, the main one's being 1; ignored where they are learned
    """

    levels: Tensor

    def __init__(self, width: int, texts: Sequence[str], weights: Sequence[float], learned: bool):
        super().__init__()
        named = [named_problem(text) for text in texts]
        self.names, self.problems = [name for name, _ in named], [problem for _, problem in named]
        if len(set(self.names)) < len(named) or len(weights or named) != len(named):
            raise SettingsError(
                f"also: {', '.join(self.names)} with {len(weights)} also_weights: name each further target once, and "
                "give no weights or one for each."
            )
        self.heads = nn.ModuleList(nn.Linear(width, problem.outputs) for problem in self.problems)
        self.weights = tuple(weights) or (1.0,) * len(named)
        self.noise = (
            nn.Parameter(torch.zeros(1 + len(named))) if learned else None
        )  # s = log sigma^2, the main one first
        self.register_buffer("levels", torch.tensor([[0.0, 1.0]] * len(named)))

    def targets(self, inputs: Inputs, place: int) -> Tensor:
        """What is asked of one head: classes with -100 or a quantity with NaN where it is missing.

        Raises TaskError where the examples have no such target, or classes that it doesn't have.
        """
        name, problem = ALSO + self.names[place], self.problems[place]
        if isinstance(inputs, Tensor) or name not in inputs:
            told = [] if isinstance(inputs, Tensor) else [key[len(ALSO) :] for key in inputs if key.startswith(ALSO)]
            raise TaskError(
                f"no further target '{self.names[place]}' in the examples, but {', '.join(told) or 'none'}."
            )
        values = inputs[name].float()
        if isinstance(problem, Quantity):
            return values
        found = values.nan_to_num(nan=UNLABELLED).long()
        if bool((found >= problem.outputs).any()) or bool(((found < 0) & (found != UNLABELLED)).any()):
            raise TaskError(
                f"further target '{self.names[place]}' goes from {int(found[found != UNLABELLED].min())} to "
                f"{int(found.max())}: expected classes from 0 to {problem.outputs - 1}."
            )
        return found

    @torch.no_grad()
    def note(self, sets: Iterable[Examples]) -> None:
        """Take the level of each quantity over all that is trained on."""
        known = list(sets)
        for place, problem in enumerate(self.problems):
            level = problem.level([self.targets(examples.inputs, place) for examples in known])
            if level:
                self.levels[place] = torch.tensor(level)

    def total(self, main: Tensor, problem: Problem, features: Tensor, inputs: Inputs, asked: bool) -> Tensor:
        """The weighted sum of the main loss and those of the further targets.

        asked  whether anything of the main one is labelled
        """
        total = self.weighed(main, problem, 0) if asked else main
        for place, (head, own) in enumerate(zip(self.heads, self.problems, strict=True)):
            wanted = self.targets(inputs, place)
            if bool(own.labelled(wanted).any()):
                answers = Prediction(unrows(head(rows(features)), tuple(features.shape)))
                middle, spread = self.levels[place]
                scaled = (wanted - middle) / spread if isinstance(own, Quantity) else wanted
                total = total + self.weighed(own.loss(answers, scaled), own, 1 + place)
        return total

    def weighed(self, loss: Tensor, problem: Problem, place: int) -> Tensor:
        """A loss as it counts; the main one is at place 0."""
        if self.noise is not None:
            return problem.under_noise(loss, self.noise[place])
        return loss * ((1.0, *self.weights)[place])
