"""The outer loop: interrupted runs end where unbroken ones do, the best weights win, and nothing odd is resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from handful.checkpoint import write_tensors
from handful.errors import CheckpointError, SettingsError
from handful.learner import Learner
from handful.learners import make
from handful.meta_train import LOG, STATE, Training, as_csv, meta_train, read_state
from handful.problem import Classes
from handful.task import Examples, Task

TRAINING = Training(steps=12, keep_every=3, validate_every=4, step_size=1e-2)


class Killed(Exception):
    pass


def learner(name: str = "ridge") -> Learner:
    sizes = {"bands": 3, "width": 8, "blocks": 1, "windows": (3,)}
    return make(name, encoder="dense", encoder_settings=sizes)


def tasks(step: int) -> list[Task]:
    """Two tasks of a step: the sign of the first band, seen at ten pixels."""
    generator = torch.Generator().manual_seed(step)
    return [task(generator) for _ in range(2)]


def task(generator: torch.Generator) -> Task:
    bands = torch.randn(1, 3, 8, 8, generator=generator)
    bands[0, 0, 0, :2] = torch.tensor([1.0, -1.0])  # both classes are in the support
    targets = (bands[:, 0] > 0).long()
    known = torch.full_like(targets, -100)
    known[:, :2, :5] = targets[:, :2, :5]
    return Task(Examples(bands, known, Classes(("a", "b"))), Examples(bands, targets, Classes(("a", "b"))))


def score(trained: Learner) -> float:
    return -float(trained.net.head.log_scale.detach())  # falls as training goes on


def run(folder: Path | None, kill_at: int | None = None, training: Training = TRAINING, key: str = "") -> Learner:
    def progress(done: int, steps: int, loss: float) -> None:
        if done == kill_at:
            raise Killed

    found = learner()
    meta_train(found, tasks, training, folder=folder, validate=score, key=key, progress=progress)
    return found


def same_weights(a: Learner, b: Learner) -> bool:
    left, right = a.net.state_dict(), b.net.state_dict()
    return all(torch.equal(left[name], right[name]) for name in left)


def test_killed_anywhere_it_ends_at_the_same_weights(tmp_path: Path) -> None:
    whole = run(tmp_path)
    for kill_at in (1, 4, 5, 11):
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        with pytest.raises(Killed):
            run(folder, kill_at)
        assert same_weights(run(folder), whole)
    twice = tmp_path / "twice"
    twice.mkdir()
    for kill_at in (4, 8):
        with pytest.raises(Killed):
            run(twice, kill_at)
    assert same_weights(run(twice), whole)


def test_out_of_time_it_keeps_its_state_and_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    found = learner()
    state = meta_train(found, tasks, TRAINING, folder=tmp_path, validate=score, seconds=0.0)
    assert state.step == 0 and read_state(tmp_path / STATE)["step"] == 0 and same_weights(found, learner())
    while state.step < TRAINING.steps:
        state = meta_train(learner(), tasks, TRAINING, folder=tmp_path, validate=score, seconds=0.05)
    assert same_weights(run(tmp_path), run(None))


def test_a_corrected_step_size_is_resumed_too(tmp_path: Path) -> None:
    training = Training(steps=8, optimizer="sgd", schedule="constant", rate_step_size=0.1, validate_every=4)
    with pytest.raises(Killed):
        run(tmp_path, 5, training)
    assert same_weights(run(tmp_path, training=training), run(None, training=training))


class Late:
    """Two weights, the second of which gets a slope in the last third of training only."""

    def __init__(self) -> None:
        self.net = torch.nn.ParameterDict({"early": torch.ones(3), "late": torch.ones(3)})

    def own_step_sizes(self) -> dict[str, float]:
        return {}

    def task_loss(self, task: int) -> torch.Tensor:
        used = [self.net["early"], self.net["late"]][: 2 if task > 7 else 1]
        return torch.stack([(w - task).square().sum() for w in used]).sum()


@pytest.mark.parametrize("kill_at", [3, 10])
def test_a_weight_that_moves_late_has_its_own_count_of_steps(tmp_path: Path, kill_at: int) -> None:
    def progress(done: int, steps: int, loss: float) -> None:
        if done == kill_at:
            raise Killed

    whole, again = Late(), Late()
    meta_train(whole, lambda step: [step], TRAINING)
    with pytest.raises(Killed):
        meta_train(Late(), lambda step: [step], TRAINING, folder=tmp_path, progress=progress)
    meta_train(again, lambda step: [step], TRAINING, folder=tmp_path)
    assert all(torch.equal(whole.net[name], again.net[name]) for name in ("early", "late"))


def test_the_log_of_a_resumed_run_is_that_of_an_unbroken_one(tmp_path: Path) -> None:
    for name, kill_at in (("whole", None), ("broken", 7)):
        (tmp_path / name).mkdir()
        if kill_at:
            with pytest.raises(Killed):
                run(tmp_path / name, kill_at)
        run(tmp_path / name)
    logs = [
        [line.split(",")[:3] for line in (tmp_path / n / LOG).read_text().splitlines()] for n in ("whole", "broken")
    ]
    assert logs[0] == logs[1] and len(logs[0]) == 1 + TRAINING.steps
    assert [row[2] != "" for row in logs[0][1:]] == [step % 4 == 0 for step in range(1, 13)]


def test_the_best_weights_win() -> None:
    """With a score that falls from the first validation on, training ends at the weights of that validation."""
    trained, at_validation = learner(), {}
    falling = iter(range(100, 0, -1))

    def progress(done: int, steps: int, loss: float) -> None:
        if done == 4:
            at_validation.update({name: w.clone() for name, w in trained.net.state_dict().items()})

    state = meta_train(trained, tasks, TRAINING, validate=lambda found: float(next(falling)), progress=progress)
    assert state.best_step == 4 and state.step == 12
    assert all(torch.equal(w, at_validation[name]) for name, w in trained.net.state_dict().items())


def test_training_learns() -> None:
    state = meta_train(learner(), tasks, Training(steps=60, step_size=1e-2))
    losses = [row["loss"] for row in state.log]
    assert sum(losses[-15:]) < 0.8 * sum(losses[:15])


def test_patience_ends_it() -> None:
    falling = iter(range(100, 0, -1))
    training = Training(steps=100, validate_every=2, patience=3)
    state = meta_train(learner(), tasks, training, validate=lambda trained: float(next(falling)))
    assert state.step == 8 and state.best_step == 2


def test_nothing_to_learn_returns_at_once() -> None:
    def never(step: int) -> list[Task]:
        raise AssertionError("no task is needed")

    assert meta_train(make("random_forest"), never, TRAINING).step == 0


def test_the_same_tasks_give_the_same_weights_whatever_torch_drew_before() -> None:
    a = run(None)
    torch.rand(5)
    assert same_weights(a, run(None))


def test_another_recipe_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(tmp_path, 4, key="one")
    with pytest.raises(CheckpointError, match="another recipe"):
        run(tmp_path, key="two")
    assert read_state(tmp_path / STATE)["key"] == "one"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 64])
def test_a_damaged_state_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE).write_bytes(content)
    with pytest.raises(CheckpointError, match=STATE):
        run(tmp_path)
    with pytest.raises(CheckpointError, match=STATE):
        read_state(tmp_path / STATE)


@pytest.mark.parametrize(
    "told", ["[]", "{}", "[" * 50_000, '{"step": 1e400, "best_step": 0}', '{"step": -1, "best_step": 0}']
)
def test_a_state_that_tells_nonsense_is_refused(tmp_path: Path, told: str) -> None:
    write_tensors(tmp_path / STATE, {"log": torch.zeros(2)}, {"state": told})
    with pytest.raises(CheckpointError, match="no state of training"):
        read_state(tmp_path / STATE)


def test_a_loss_that_is_not_finite_is_told() -> None:
    def odd(step: int) -> list[Task]:
        return [
            Task(t.support, Examples(t.query.inputs * float("inf"), t.query.targets, t.query.problem)) for t in tasks(0)
        ]

    with pytest.raises(SettingsError, match="step_size"):
        meta_train(learner(), odd, TRAINING)


def test_the_step_size_rises_and_falls() -> None:
    rates = [Training(steps=100).rate(step) for step in range(100)]
    top = rates.index(max(rates))
    assert 0 < top <= 5 and rates[top] == pytest.approx(2e-3, rel=0.01) and rates[-1] < 1e-5
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_other_schedules_fall_along_a_line_by_halves_or_not_at_all() -> None:
    linear = Training(steps=4, schedule="linear", warm_up=0, step_size=1.0)
    assert [linear.rate(step) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]
    halving = Training(steps=4, schedule="halving", halve_every=2, warm_up=0, step_size=1.0)
    assert [halving.rate(step) for step in range(5)] == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert Training(steps=4, schedule="constant", warm_up=0, step_size=0.5).rate(3) == 0.5


def test_progress_is_told_before_each_step() -> None:
    told, trained = [], learner()

    trained.task_loss = lambda task: told.append(trained.net.progress) or type(trained).task_loss(trained, task)
    meta_train(trained, tasks, Training(steps=4))
    assert told[::2] == [0.0, 0.25, 0.5, 0.75]


def test_csv_leaves_unknown_cells_empty() -> None:
    text = as_csv([{"step": 1, "loss": 0.5, "validation": None, "seconds": 0.25}])
    assert text == "step,loss,validation,seconds\n1,0.5,,0.25\n"


CHILD = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
import torch; torch.set_num_threads(1)
import test_meta_train as t
t.run(Path({folder!r}), training=t.Training(steps=400, keep_every=5, validate_every=40))
print("done", flush=True)
"""


@pytest.mark.slow
def test_sigkill_at_random_moments(tmp_path: Path) -> None:
    training = Training(steps=400, keep_every=5, validate_every=40)
    whole = run(None, training=training)
    code = CHILD.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    for wait in (0.05, 0.2, 0.35, 0.1, 0.5):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not (tmp_path / STATE).exists() and time.monotonic() < deadline and child.poll() is None:
            time.sleep(0.02)
        time.sleep(wait)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert same_weights(run(tmp_path, training=training), whole)
