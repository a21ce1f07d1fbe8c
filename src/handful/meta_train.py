"""Training across tasks: the one outer loop. It needs `task_loss(task)` only."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from .checkpoint import check_tensors, part_of, put_weights, read_tensors, read_told, write_tensors
from .errors import CheckpointError, Diverged
from .files import write_text
from .memory import enough_memory, foretell
from .process import keep_freed_memory, seeded
from .solvers.hypergradient import Sgd
from .task import Taught

STATE = "training.safetensors"
LOG = "log.csv"
COLUMNS = ("step", "loss", "validation", "seconds")
BLANK: dict[str, dict[str, Callable[[Tensor], Tensor]]] = {  # what an optimiser remembers of a weight that never moved
    "adamw": {"step": lambda w: torch.zeros(()), "exp_avg": torch.zeros_like, "exp_avg_sq": torch.zeros_like},
    "sgd": {"last": torch.zeros_like, "gained": lambda w: torch.zeros((), dtype=torch.float64)},
}
MOST_STEPS, KEEP_SECONDS = 2**53, 10.0  # what a float can count; a state on disk is never older than that and a step
T = TypeVar("T", bound=Taught)


@dataclass(frozen=True)
class Training:
    """How long and how fast.

    steps           outer steps
    tasks_per_step  tasks whose losses are averaged in a step
    optimizer       AdamW, or plain gradient descent
    step_size       of the optimizer at its height; it grows over `warm_up` of the steps
    schedule        how it falls: along a cosine, along a line to 0 after the last step, by halves, or not
    halve_every     steps after which it is halved, where it falls by halves
    rate_step_size  of the correction of plain gradient descent's step size by hypergradient descent; 0 for none
    weight_decay    decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101)
    clip            the longest gradient, as a norm
    validate_every  steps between validations; the best weights are kept
    patience        validations without a new best after which training stops; 0 never
    keep_every      steps between states on disk, if they aren't kept for their age before
    seed            of whatever a learner draws while it trains
    """

    steps: PositiveInt = 1000
    tasks_per_step: PositiveInt = 2
    optimizer: Literal["adamw", "sgd"] = "adamw"
    step_size: Annotated[float, Field(gt=0, le=1e3)] = 2e-3
    schedule: Literal["cosine", "linear", "halving", "constant"] = "cosine"
    halve_every: PositiveInt = 2000
    rate_step_size: NonNegativeFloat = 0.0
    weight_decay: NonNegativeFloat = 1e-2
    warm_up: Annotated[float, Field(ge=0, le=1)] = 0.05
    clip: PositiveFloat = 1.0
    validate_every: PositiveInt = 100
    patience: NonNegativeInt = 0
    keep_every: PositiveInt = 50
    seed: NonNegativeInt = 0

    def rate(self, step: int) -> float:
        """The step size at a step, counted from 0."""
        rise, done = (step + 1) / max(1.0, self.warm_up * self.steps), step / max(1, self.steps)
        falls = {"cosine": 0.5 * (1 + math.cos(math.pi * done)), "linear": 1 - done, "constant": 1.0}
        falls["halving"] = 0.5 ** (step // self.halve_every)
        return self.step_size * min(1.0, rise) * falls[self.schedule]

    def optimiser(self, learner: Taught, learned: Mapping[str, nn.Parameter]) -> torch.optim.Optimizer:
        """Of all that is learned: what follows the schedule, and each weight with a step size of its own."""
        own = learner.own_step_sizes()
        groups: list[dict[str, Any]] = [{"params": [w for name, w in learned.items() if name not in own]}]
        groups += [{"params": [learned[name]], "lr": size, "weight_decay": 0.0} for name, size in own.items()]
        if self.optimizer == "sgd":
            return Sgd(groups, weight_decay=self.weight_decay, rate_step_size=self.rate_step_size)
        return torch.optim.AdamW(groups, weight_decay=self.weight_decay)

    def validates_at(self, step: int) -> bool:
        return step % self.validate_every == 0 or step == self.steps


@dataclass
class State:
    """Where training stands; with the weights and moments on disk it goes on to the same end.

    log  a row of COLUMNS a step; the validation is None where none was done
    """

    step: int = 0
    best_score: float | None = None
    best_step: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def since_best(self) -> int:
        """Validations after the best one."""
        return sum(1 for row in self.log if row["validation"] is not None and row["step"] > self.best_step)

    @property
    def seconds(self) -> float:
        return self.log[-1]["seconds"] if self.log else 0.0

    def goes_on(self, training: Training) -> bool:
        worn_out = bool(training.patience) and self.since_best >= training.patience
        return self.step < training.steps and not worn_out


def meta_train(
    learner: T,
    tasks: Callable[[int], Sequence[Any]],
    training: Training,
    *,
    validate: Callable[[T], float] | None = None,
    choose: bool = True,
    folder: Path | None = None,
    key: str = "",
    seconds: float = math.inf,
    progress: Callable[[int, int, float], None] | None = None,
    note: Callable[[str], object] = warnings.warn,
) -> State:
    """Learn across tasks so that `adapt` does well on the next one; the best weights on validation end in `net`.

    tasks     the tasks of a step: a function of the step alone, so that a killed run resumes to the same weights
    validate  a score of the learner, more is better
    choose    False: the last weights end in `net`, and a validation only tells how far it is
    folder    where the state is kept, and from where an interrupted run goes on
    key       what must be the same for a run to go on: recipe, seed, data
    seconds   of this run, after which it stops where it is and keeps its state; the next one goes on
    progress  is told the steps done, all steps, and the loss
    note      is told, before the first step, where a task may take more memory than is free
    A learner with nothing to learn returns at once. Raises CheckpointError where the state is damaged or of another
    run, Diverged where the loss isn't finite, EnvironmentFault where the memory isn't enough.
    """
    run = Run.of(learner, training)
    if not run.learned:
        return run.state
    if folder is not None:
        run.resume(folder, key)
    clock = Clock(run.state.seconds)
    ends, first = run.state.seconds + seconds, run.state.step
    while run.state.goes_on(training) and clock.seconds() < ends:
        drawn = tasks(run.state.step)
        if run.state.step == first:
            foretell(learner, drawn, note)
        loss = run.advance(drawn, training)
        score = validate(learner) if validate and training.validates_at(run.state.step) else None
        run.note(loss, score, clock.seconds())
        if folder is not None and (clock.due(run.state.step, training) or not run.state.goes_on(training)):
            run.keep(folder, key)
        if progress:
            progress(run.state.step, training.steps, loss)
    if folder is not None and run.state.goes_on(training):
        run.keep(folder, key)
    if choose and run.state.best_score is not None:
        learner.net.load_state_dict(run.best)
    return run.state


class Clock:
    """The seconds of all runs together, and whether it is time to keep the state."""

    def __init__(self, before: float):
        self.began = time.monotonic() - before
        self.kept = time.monotonic()

    def seconds(self) -> float:
        return round(time.monotonic() - self.began, 3)

    def due(self, step: int, training: Training) -> bool:
        old = time.monotonic() - self.kept > KEEP_SECONDS
        if old or step % training.keep_every == 0:
            self.kept = time.monotonic()
            return True
        return False


@dataclass
class Run:
    """All that changes while training: the weights, the optimiser's moments, the best weights so far."""

    learner: Taught
    learned: dict[str, nn.Parameter]
    optimizer: torch.optim.Optimizer
    blank: Mapping[str, Callable[[Tensor], Tensor]]
    best: dict[str, Tensor]
    state: State

    @classmethod
    def of(cls, learner: Taught, training: Training) -> Run:
        learned = {name: w for name, w in learner.net.named_parameters() if w.requires_grad}
        optimizer = training.optimiser(learner, learned)
        best = {name: w.detach().clone() for name, w in learner.net.state_dict().items()}
        keep_freed_memory()
        return cls(learner, learned, optimizer, BLANK[training.optimizer], best, State())

    def advance(self, tasks: Sequence[Any], training: Training) -> float:
        """One step of the optimizer on the mean loss of the tasks, which is returned."""
        net, step = self.learner.net, self.state.step
        net.progress = step / training.steps  # type: ignore[assignment]
        self.optimizer.param_groups[0]["lr"] = training.rate(step)
        self.optimizer.zero_grad()
        net.train()
        with seeded(int(np.random.default_rng([training.seed, step]).integers(2**62))):
            total = sum(self.descend(task, len(tasks)) for task in tasks)
        if not math.isfinite(total):
            raise Diverged(f"the loss is {total} at step {step + 1}: use a smaller step_size.")
        nn.utils.clip_grad_norm_(list(self.learned.values()), training.clip)
        self.optimizer.step()
        net.eval()
        self.state.step += 1
        return total

    def descend(self, task: Any, count: int) -> float:
        with enough_memory(f"step {self.state.step + 1} of training"):
            loss = self.learner.task_loss(task) / count
            loss.backward()
        return float(loss.detach())

    def note(self, loss: float, score: float | None, seconds: float) -> None:
        """A row of the log; where the score is the best so far, the weights are kept."""
        state = self.state
        state.log.append(dict(zip(COLUMNS, (state.step, loss, score, seconds), strict=True)))
        if score is not None and (state.best_score is None or score > state.best_score):
            state.best_score, state.best_step = score, state.step
            for name, w in self.learner.net.state_dict().items():
                self.best[name].copy_(w)

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name; the moments of weights that were never moved are 0."""
        moments = self.optimizer.state
        found = {f"net.{name}": w for name, w in self.learner.net.state_dict().items()}
        found |= {f"best.{name}": w for name, w in self.best.items()}
        for key, blank in self.blank.items():
            found |= {f"{key}.{name}": moments[w].get(key, blank(w)) for name, w in self.learned.items()}
        rows = [[math.nan if row[name] is None else row[name] for name in COLUMNS] for row in self.state.log]
        return found | {"log": torch.tensor(rows, dtype=torch.float64).view(-1, len(COLUMNS))}

    def keep(self, folder: Path, key: str) -> None:
        """The whole state in one file, so that it can't be half of one step and half of another; and the log."""
        state = self.state
        told = {"step": state.step, "best_score": state.best_score, "best_step": state.best_step, "key": key}
        write_tensors(folder / STATE, self.tensors(), {"state": json.dumps(told)})
        write_text(folder / LOG, as_csv(state.log))

    def resume(self, folder: Path, key: str) -> None:
        """Go on from the state of an interrupted run, if there is one. Raises CheckpointError."""
        path = folder / STATE
        if not path.exists():
            return
        found, told = read_tensors(path), read_state(path)
        if told["key"] != key:
            raise CheckpointError(
                f"{folder} holds an unfinished training of another recipe, seed or data: "
                "choose another folder, or add --overwrite to begin anew."
            )
        log = found.pop("log", torch.zeros(0, len(COLUMNS)))
        check_tensors({name: t for name, t in self.tensors().items() if name != "log"}, found, path)
        if log.dim() != 2 or log.shape[1] != len(COLUMNS) or not bool(log[:, 0].isfinite().all()):
            raise CheckpointError(f"{path} holds no log of training: remove it to begin again.")
        put_weights(self.learner.net, part_of(found, "net."), path)
        self.best = part_of(found, "best.")
        for name, w in self.learned.items():
            self.optimizer.state[w] = {key: found[f"{key}.{name}"] for key in self.blank}
        self.state = State(told["step"], told["best_score"], told["best_step"], from_rows(log.tolist()))


def read_state(path: Path) -> dict[str, Any]:
    """Step, best score and key of a kept state. Raises CheckpointError."""
    told = read_told(path).get("state", "null")
    try:
        found = json.loads(told)
        steps = {name: int(found[name]) for name in ("step", "best_step")}
        if not all(0 <= step <= MOST_STEPS for step in steps.values()):
            raise ValueError(steps)
        best = found["best_score"]
        return {**steps, "best_score": None if best is None else float(best), "key": str(found.get("key", ""))}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise CheckpointError(f"{path} holds no state of training: remove it to begin again.") from None


def from_rows(rows: list[list[float]]) -> list[dict[str, Any]]:
    told = [[None if math.isnan(value) else value for value in row[1:]] for row in rows]
    return [dict(zip(COLUMNS, (int(row[0]), *rest), strict=True)) for row, rest in zip(rows, told, strict=True)]


def as_csv(log: list[dict[str, Any]]) -> str:
    lines = [",".join("" if row[name] is None else f"{row[name]:.10g}" for name in COLUMNS) for row in log]
    return "\n".join([",".join(COLUMNS), *lines]) + "\n"
