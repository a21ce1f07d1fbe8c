"""`handful bench` killed (SIGKILL of all its processes) at random moments and run again: the same bytes as unbroken.

python benchmarks/bench_kill.py [--kills 10]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common import data, handful, page, run, table
from kill import A_FOLDER, sums

FILES = ("scores.csv", "classes.csv", "calibration.csv", "paths.csv", "tuning.csv", "tasks.json", "leaks.json")
PROTOCOL = """
rivals = false
[data]
name = "forest-damage"
validation = 2
[tasks]
shots = [1, 5]
draws = 2
count = 4
seeds = 2
[tune]
trials = 2
count = 2
[[learners]]
name = "ridge"
encoder = "context"
tune = { penalty = [0.1, 1.0] }
[[learners]]
name = "protonet"
encoder = "dense"
encoder_settings = { width = 8 }
train = { steps = 20, tasks_per_step = 1, validate_every = 10, keep_every = 2, shots = [1, 5], crop = 32 }
"""


def killed(command: list[str], seconds: float) -> bool:
    """Start a command and kill it with all its processes after so many seconds; False where it had ended by itself."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    ended = child.poll() is not None
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    return not ended


def trial(words: list[Any], workers: int, whole: tuple[str, ...], kills: int, place: Path) -> list[Any]:
    """Kill runs again and again until `kills` have hit; compare every finished run with an unbroken one."""
    rng, hit, equal, runs, kept = np.random.default_rng(workers), 0, 0, 0, 0
    words = [*words, "--workers", workers, "-o"]
    length = run(*words, place / f"whole{workers}")
    same = sums(place / f"whole{workers}", FILES) == whole or not whole
    whole = sums(place / f"whole{workers}", FILES)
    while hit < kills:
        out, began = place / f"run{workers}-{runs}", hit
        while hit < min(kills, began + A_FOLDER):
            if not killed(handful(*words, out), rng.uniform(0.1, 1.0) * length):
                break
            hit += 1
            kept += any(out.glob("parts/*"))
        if not (out / "bench.json").exists():
            run(*words, out)
        runs += 1
        equal += sums(out, FILES) == whole
    return [workers, f"{length:.1f}", hit, kept, runs, equal, "yes" if same and equal == runs else "NO"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "protocol.toml").write_text(PROTOCOL)
        words = ["bench", place / "protocol.toml", "--root", data("forest-damage"), "--quiet"]
        rows = [trial(words, 1, (), args.kills, place)]
        rows.append(trial(words, 2, sums(place / "whole1", FILES), args.kills, place))
    head = ["workers", "seconds unbroken", "kills", "of them with work kept", "runs ended", "same bytes", "all equal"]
    said = (
        "SIGKILL of the command and its workers at moments drawn evenly over the length of an unbroken run, "
        f"up to {A_FOLDER} in one folder before it is run to the end; then {', '.join(FILES)} are compared with those "
        "of the unbroken run; those of two workers also with those of one."
    )
    page("bench_kill", "A bench killed at random moments", said, table(head, rows))


if __name__ == "__main__":
    main()
