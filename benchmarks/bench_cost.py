"""What a bench costs: seconds and memory of 10 learners, 3 seeds and 600 tasks, and where they go.

python benchmarks/bench_cost.py [--seeds 3] [--tasks 600]
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from click.testing import CliRunner
from common import data, page, table

from handful.bench.memory import peak_mb

PROTOCOL = """
[data]
name = "omniglot"
split = "1100-100-423"
[tasks]
shots = [1]
ways = 5
count = {tasks}
seeds = {seeds}
[tune]
count = 20
{learners}
"""
TRAINED = """
[[learners]]
name = "{name}"
label = "{name}, trained"
encoder = "conv4"
encoder_settings = {{ width = 16 }}
train = {{ steps = {steps}, tasks_per_step = 1, validate_every = {steps}, shots = [1, 1], queries = 5 }}
"""
MOVED = """
[[learners]]
name = "{name}"
label = "{name}, untrained"
encoder = "conv4"
encoder_settings = {{ width = 16 }}
"""
# What is timed, less what it calls that is timed too; the words of the table, the module, the name.
PIECES = [
    ("reading images", "bench.regions", "Regions.__call__"),
    ("reading images to train on", "bench.sources", "Source.read"),
    ("drawing the tasks", "bench.run", "Bench.draw"),
    ("trying every learner once", "bench.run", "Bench.prepare"),
    ("training", "bench.learning", "School.train"),
    ("scoring on validation tasks", "bench.work", "Work.mean_score"),
    ("encoding", "bench.work", "encoded"),
    ("joining images to tasks", "bench.work", "joined"),
    ("adapting, predicting, scores", "bench.work", "judged"),
    ("the rest of scoring: files, lists", "bench.work", "Work.scored"),
    ("searching for leaks: prints", "bench.leaks", "prints_of"),
    ("searching for leaks: pairs", "bench.leaks", "leaks"),
    ("tables", "bench.tables", "write_tables"),
    ("statistics", "bench.summary", "summarise"),
    ("tasks to look at", "bench.examples", "examples"),
    ("the page", "report.bench_page", "bench_page"),
]


class Clock:
    """Seconds by piece, each less the pieces inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self.inside = [0.0]

    def timed(self, words: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            self.inside.append(0.0)
            try:
                return function(*given, **named)
            finally:
                spent = time.perf_counter() - began
                self.seconds[words] += spent - self.inside.pop()
                self.calls[words] += 1
                self.inside[-1] += spent

        return wrapped

    def wrap(self) -> None:
        for words, module, name in PIECES:
            place: Any = importlib.import_module(f"handful.{module}")
            *holders, last = name.split(".")
            for holder in holders:
                place = getattr(place, holder)
            setattr(place, last, self.timed(words, getattr(place, last)))


def protocol(seeds: int, tasks: int) -> str:
    steps = {"protonet": 60, "averaged_ridge": 60, "ridge": 60, "maml": 10, "fine_tune": 60}
    learners = [TRAINED.format(name=name, steps=count) for name, count in steps.items()]
    return PROTOCOL.format(tasks=tasks, seeds=seeds, learners="".join([*learners, MOVED.format(name="protonet")]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=600)
    args = parser.parse_args()
    root, clock = data("omniglot"), Clock()
    clock.wrap()
    from handful.cli.bench import command

    with TemporaryDirectory() as folder:
        path = Path(folder, "protocol.toml")
        path.write_text(protocol(args.seeds, args.tasks))
        words = [str(path), "--root", str(root), "-o", f"{folder}/out", "--workers", "1"]
        began = time.perf_counter()
        CliRunner().invoke(command, words, catch_exceptions=False)
        whole = time.perf_counter() - began
    page("bench_cost", "What a bench costs", *told(args, clock, whole))


def told(args: argparse.Namespace, clock: Clock, whole: float) -> list[str]:
    rows = [
        [words, f"{spent:.1f}", f"{spent / whole:.1%}", clock.calls[words]] for words, spent in clock.seconds.items()
    ]
    rows.sort(key=lambda row: -float(row[1]))
    rows.append(["all else", f"{whole - sum(clock.seconds.values()):.1f}", "", ""])
    return [
        f"Omniglot, 5 ways, 1 shot: 10 learners (5 of them meta-trained, one Conv4 untrained, 4 rivals), {args.seeds} "
        f"seeds, {args.tasks} tasks, one worker: {whole:.0f} seconds; the most memory held while scoring "
        f"{peak_mb():.0f} MB.",
        table(["piece, without those inside it", "seconds", "share", "calls"], rows),
    ]


if __name__ == "__main__":
    main()
