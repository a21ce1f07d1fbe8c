"""Meta-training: the one outer loop. It needs `learner.task_loss(task)` only."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .checkpoint import put_weights, read_tensors
from .errors import CheckpointError
from .files import whole
from .learner import Learner
from .task import Task

STATE = "training.safetensors"
MOMENTS = {"exp_avg.": "exp_avg", "exp_avg_sq.": "exp_avg_sq"}


@dataclass(frozen=True)
class Training:
    """How long and how fast.

    steps           outer steps
    tasks_per_step  tasks whose losses are averaged in a step
    step_size       of AdamW at its height; it grows over `warm_up` of the steps and then falls along a cosine
    weight_decay    decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101)
    clip            the longest gradient, as a norm
    validate_every  steps between validations; the best weights are kept
    patience        validations without a new best after which training stops; 0 never
    keep_every      steps between states on disk
    """

    steps: int = 1000
    tasks_per_step: int = 2
    step_size: float = 2e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.05
    clip: float = 1.0
    validate_every: int = 100
    patience: int = 0
    keep_every: int = 50

    def rate(self, step: int) -> float:
        """The step size at a step, counted from 0."""
        rise = (step + 1) / max(1.0, self.warm_up * self.steps)
        return self.step_size * min(1.0, rise) * 0.5 * (1 + math.cos(math.pi * step / max(1, self.steps)))


@dataclass
class State:
    """Where training stands; with the weights and moments on disk it goes on to the same end."""

    step: int = 0
    best_score: float | None = None
    best_step: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def since_best(self) -> int:
        """Validations after the best one."""
        return sum(1 for row in self.log if row["validation"] is not None and row["step"] > self.best_step)


def meta_train(
    learner: Learner,
    tasks: Callable[[int], list[Task]],
    training: Training,
    *,
    validate: Callable[[Learner], float] | None = None,
    folder: Path | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> State:
    """Learn across tasks so that `adapt` does well on the next one; the best weights on validation end in `net`.

    tasks     the tasks of a step: a function of the step alone, so that a killed run resumes to the same weights
    validate  a score of the learner, more is better
    folder    where the state is kept, and from where an interrupted run goes on
    A learner with nothing to learn returns at once.
    """
    learned = {name: w for name, w in learner.net.named_parameters() if w.requires_grad}
    if not learned:
        return State()
    optimizer = torch.optim.AdamW(learned.values(), weight_decay=training.weight_decay)
    best = {name: w.detach().clone() for name, w in learner.net.state_dict().items()}
    state = resume(learner.net, optimizer, learned, best, folder)
    began = time.monotonic() - (state.log[-1]["seconds"] if state.log else 0.0)
    while state.step < training.steps and not (training.patience and state.since_best >= training.patience):
        loss = outer_step(learner, optimizer, tasks(state.step), training.rate(state.step), training.clip)
        state.step += 1
        score = None
        if validate and (state.step % training.validate_every == 0 or state.step == training.steps):
            score = validate(learner)
            keep_best(state, score, learner.net, best)
        state.log.append(
            {"step": state.step, "loss": loss, "validation": score, "seconds": time.monotonic() - began}
        )
        if folder and (state.step % training.keep_every == 0 or state.step == training.steps):
            keep(learner.net, optimizer, learned, best, state, folder)
        if progress:
            progress(state.step, training.steps, loss)
    if validate and state.best_score is not None:
        learner.net.load_state_dict(best)
    return state


def outer_step(
    learner: Learner, optimizer: torch.optim.Optimizer, tasks: list[Task], rate: float, clip: float
) -> float:
    """One step of AdamW on the mean loss of the tasks, which is returned."""
    learner.net.train()
    optimizer.param_groups[0]["lr"] = rate
    optimizer.zero_grad()
    total = 0.0
    for task in tasks:
        loss = learner.task_loss(task) / len(tasks)
        loss.backward()
        total += float(loss.detach())
    nn.utils.clip_grad_norm_(learner.net.parameters(), clip)
    optimizer.step()
    learner.net.eval()
    return total


def keep_best(state: State, score: float, net: nn.Module, best: dict[str, Tensor]) -> None:
    if state.best_score is None or score > state.best_score:
        state.best_score, state.best_step = score, state.step
        for name, w in net.state_dict().items():
            best[name].copy_(w)


def keep(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    learned: dict[str, nn.Parameter],
    best: dict[str, Tensor],
    state: State,
    folder: Path,
) -> None:
    """The whole state in one file, so that it can't be half of one step and half of another."""
    tensors = {f"net.{name}": w.detach() for name, w in net.state_dict().items()}
    tensors |= {f"best.{name}": w for name, w in best.items()}
    for prefix, key in MOMENTS.items():
        tensors |= {prefix + name: optimizer.state[w][key] for name, w in learned.items() if w in optimizer.state}
    with whole(folder / STATE) as part:
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, part, {"state": json.dumps(asdict(state))})


def resume(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    learned: dict[str, nn.Parameter],
    best: dict[str, Tensor],
    folder: Path | None,
) -> State:
    """The state of an interrupted run put back in place, or a fresh one. Raises CheckpointError where it is damaged."""
    if folder is None or not (folder / STATE).exists():
        return State()
    path = folder / STATE
    tensors = read_tensors(path)
    with safe_open(path, "pt") as file:
        found = (file.metadata() or {}).get("state")
    if found is None:
        raise CheckpointError(f"{path} holds no state of training: remove it to begin again.")
    state = State(**json.loads(found))
    put_weights(net, part_of(tensors, "net."), path)
    best.update(part_of(tensors, "best."))
    for name, w in learned.items():
        if f"exp_avg.{name}" in tensors:
            moments = {key: tensors[prefix + name] for prefix, key in MOMENTS.items()}
            optimizer.state[w] = {"step": torch.tensor(float(state.step)), **moments}
    return state


def part_of(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): w for name, w in tensors.items() if name.startswith(prefix)}
