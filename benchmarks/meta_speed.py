"""How fast, and in how much memory, second-order MAML is meta-trained, beside a plain loop, higher and torchopt.

python benchmarks/meta_speed.py [--quick] [--rounds 3]

The peers are installed under build/peers when first needed, each into an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from common import page, table
from meta_loops import QUERIES, STEP_SIZE, WAYS, episodes

from handful import make
from handful.memory import needed_bytes
from handful.problem import Classes
from handful.task import Examples, Task

HERE = Path(__file__).parent
PEERS = {"higher": "higher==0.2.1", "torchopt": "torchopt==0.7.3"}
BESIDE = ["torch==2.13.0", "numpy==2.4.6", "setuptools", "optree", "typing_extensions", "graphviz"]
TASKS, TIMED, AIM, STEPS = 32, 8, 1.6, (1, 5, 10, 20)
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Case:
    width: int
    strided: bool
    steps: int

    def __str__(self) -> str:
        return f"Conv4-{self.width}, {'strided' if self.strided else 'pooled'}"

    def asked(self, **more: Any) -> dict[str, Any]:
        return {"width": self.width, "strided": self.strided, "steps": self.steps, **more}


class Loop:
    """One way to take the gradient, in a process of its own."""

    def __init__(self, name: str, python: str):
        command = [python, str(HERE / "meta_loops.py"), name]
        kept = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, env=os.environ | ONE_THREAD, **kept)  # type: ignore[call-overload]

    def ask(self, case: Case, **what: Any) -> Any:
        """Its answer; None where it broke down."""
        try:
            self.process.stdin.write(json.dumps(case.asked(**what)) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def environment(name: str) -> str | None:
    """The interpreter of a peer, installed where it isn't yet; None where it can't be had."""
    place = HERE.parent / "build" / "peers" / name
    python = place / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands = [[sys.executable, "-m", "venv", str(place)], [*pip, *BESIDE], [*pip, "--no-deps", PEERS[name]]]
    works = [str(python), "-c", f"import {name}"]
    try:
        if not python.exists() or subprocess.run(works, capture_output=True).returncode:
            for command in commands:
                subprocess.run(command, check=True, capture_output=True)
        subprocess.run(works, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return str(python)


def timed(loops: dict[str, Loop], case: Case, rounds: int, tasks: int) -> dict[str, float]:
    """Tasks a CPU second of each loop: the median of rounds, in each of which every loop has its turn."""
    found: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(rounds):
        names = list(loops)[turn % len(loops) :] + list(loops)[: turn % len(loops)]
        for name in names:
            found[name].append(loops[name].ask(case, ask="time", tasks=tasks))
    return {name: tasks / median(times) for name, times in found.items() if None not in times}


def errors(loops: dict[str, Loop], case: Case) -> dict[str, float]:
    """How far each gradient is from the plain loop's in numbers of twice the length, as a part of its length."""
    exact = loops["plain"].ask(case, ask="gradient", tasks=2, kind="float64")
    found = {name: loop.ask(case, ask="gradient", tasks=2) for name, loop in loops.items()}
    return {name: math.dist(g, exact) / math.hypot(*exact) for name, g in found.items() if g is not None}


def memory(case: Case) -> list[str]:
    """A row: MB of a task by the plain loop, handful, and handful with steps that are taken again; and as foretold."""
    cells = []
    for name, settings in (("plain", {}), ("handful", {}), ("handful", {"checkpointed": True})):
        loop = Loop(name, sys.executable)
        cells.append(f"{loop.ask(case, ask='memory', tasks=1, settings=settings):.0f}")
        loop.close()
    return [str(case.steps), *cells, f"{foretold(case) / 1024**2:.0f}"]


def foretold(case: Case) -> int:
    inner = {"bands": 1, "width": case.width, "side": 28, "batch_norm": True, "strided": case.strided}
    learner = make("maml", encoder="conv4", encoder_settings=inner, outputs=WAYS, steps=case.steps, step_size=STEP_SIZE)
    ((images, classes, others, theirs),) = episodes(1, torch.float32)
    problem = Classes(tuple("abcde"))
    return needed_bytes(learner, Task(Examples(images, classes, problem), Examples(others, theirs, problem)))


def speeds(loops: dict[str, Loop], args: argparse.Namespace) -> tuple[list[list[str]], list[str]]:
    """Rows of the table, and what they say."""
    widths, tasks = ((32,), 4) if args.quick else ((32, 64), TIMED)
    cases = [Case(width, strided, steps) for strided in (False, True) for width in widths for steps in (1, 5)]
    rows, times, shares = [], {}, {}
    for case in cases:
        found, wrong = timed(loops, case, args.rounds, tasks), errors(loops, case)
        times[case] = found["handful"] / max(speed for name, speed in found.items() if name != "handful")
        shares[case] = loops["handful"].ask(case, ask="share", tasks=2)
        speed = [f"{found[name]:.1f}" if name in found else "broke down" for name in loops]
        off = f"{wrong['handful']:.0e}", f"{max(e for name, e in wrong.items() if name != 'handful'):.0e}"
        rows.append([str(case), case.steps, *speed, f"{times[case]:.2f}", *off, f"{shares[case]:.0%}"])
        print(rows[-1], file=sys.stderr, flush=True)
    return rows, told(times, shares)


def told(times: dict[Case, float], shares: dict[Case, float]) -> list[str]:
    missed = [
        f"{case} at {case.steps} step{'s' * (case.steps > 1)} ({ratio:.2f})"
        for case, ratio in times.items()
        if ratio < AIM
    ]
    best, least = max(times.values()), min(times.values())
    reached = f"handful is {least:.2f} to {best:.2f} times as fast as the best of the others (aim: {AIM})."
    fell = f"Below the aim: {', '.join(missed)}." if missed else "The aim is reached everywhere."
    forms = {
        form: [share for case, share in shares.items() if case.strided == (form == "strided")]
        for form in ("pooled", "strided")
    }
    spent = " and ".join(f"{min(of):.0%} to {max(of):.0%} ({form})" for form, of in forms.items())
    return [
        f"{reached} {fell}",
        f"What limits it: {spent} of the time of torch's operations is convolutions, the same ones for every loop, and "
        "they run at the rate of the processor's matrix units already where maps are large. What handful saves lies in "
        "the rest: the first layer's convolution and pooling on channels that lie side by side, and normalisation, "
        "ReLU and pooling as one function with written-out derivatives. Strided nets have little of that, and the five "
        "images of a support set are so few that calling an operation takes as long as computing it: there the plain "
        "loop, whose calls are made in C++, is as fast or faster.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one width and few tasks, while developing")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    pythons = {"handful": sys.executable, "plain": sys.executable, **{name: environment(name) for name in PEERS}}
    lacking = [name for name, python in pythons.items() if python is None]
    loops = {name: Loop(name, python) for name, python in pythons.items() if python}
    rows, said = speeds(loops, args)
    for loop in loops.values():
        loop.close()
    grown = [memory(Case(64, False, steps)) for steps in (STEPS[:2] if args.quick else STEPS)]
    head = ["net", "steps", *loops, "handful / best other", "error", "largest other error", "in convolutions"]
    notes = [f"Not here, as it couldn't be installed: {', '.join(lacking)}."] if lacking else []
    page(
        "meta_speed",
        "Speed and memory of second-order MAML",
        f"{WAYS} ways, 1 shot, {QUERIES} queries a class, images of 28 x 28 pixels and one band, batch norm by the "
        f"batch's own statistics, a batch of {TASKS} tasks, which come one after the other and of which "
        f"{4 if args.quick else TIMED} are timed; one thread, CPU time, the median of "
        f"{args.rounds} rounds in which the loops take turns, each in a process of its own. handful's loop is that of "
        "`meta_train`; `plain` is `torch.func.functional_call` and `torch.autograd.grad`.",
        "## Tasks a CPU second\n\n" + table(head, rows),
        "Error: how far the gradient of two tasks is from the plain loop's in float64, as a part of its length.",
        *notes,
        *said,
        "## Memory\n\nMB that one task takes on a pooled Conv4-64, above what the process held before. The estimate is "
        "what `meta_train` compares with the free memory before it begins, from a task with one step and one with two.",
        table(["steps", "plain", "handful", "checkpointed = true", "handful, as estimated"], grown),
    )


if __name__ == "__main__":
    main()
