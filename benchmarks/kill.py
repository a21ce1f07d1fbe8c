"""Killed (SIGKILL) at random moments, in mapping and in training, and run again: the same bytes as unbroken.

python benchmarks/kill.py [--kills 20] [--side 1300]
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common import data, handful, page, run, table
from mosaic import mosaic, named

from handful.files import checksum

A_FOLDER = 4  # kills that one run suffers before it may end
MAP_FILES = ("map.tif", "confidence.tif", "trust.tif", "probabilities.tif", "areas.csv", "model/model.safetensors")
RECIPE = """
[data]
name = "forest-damage"
validation = 0.05
[learner]
name = "ridge"
encoder = "dense"
encoder_settings = { bands = 24, width = 16, blocks = 2, windows = [7] }
[train]
steps = 400
tasks_per_step = 1
validate_every = 100
keep_every = 5
shots = [1, 5]
crop = 32
"""


def killed(command: list[str], seconds: float) -> bool:
    """Start a command and kill it after so many seconds; False where it had ended by itself."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    ended = child.poll() is not None
    child.kill()
    child.wait()
    return not ended


def sums(folder: Path, files: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(checksum(folder / name) for name in files)


def trial(
    what: str, words: Callable[[Path], list[Any]], files: tuple[str, ...], kept: Callable[[Path], int], kills: int
) -> list[Any]:
    """Kill runs again and again until `kills` have hit; compare every finished run with an unbroken one."""
    rng, hit, equal, runs, went_on = np.random.default_rng(0), 0, 0, 0, 0
    with TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        length = run(*words(whole))
        expected = sums(whole, files)
        while hit < kills:
            out, began = Path(place) / f"run{runs}", hit
            while hit < min(kills, began + A_FOLDER):
                if not killed(handful(*words(out)), rng.uniform(0.1, 1.0) * length):
                    break
                hit += 1
                went_on += kept(out) > 0
            if not (out / "run.json").exists() and not (out / "model.json").exists():
                run(*words(out))
            runs += 1
            equal += sums(out, files) == expected
            leftovers = [p.name for p in out.rglob("*") if p.name.startswith(".")]
            if leftovers:
                print(f"{what}, run {runs}: left behind {leftovers}")
    return [what, f"{length:.1f}", hit, went_on, runs, equal, "yes" if equal == runs else "NO"]


def mapping(folder: Path, side: int, kills: int) -> list[Any]:
    scene, labels = mosaic(folder, side)
    settings = ["--learner", "ridge", "--probabilities", "--window", 512, "--quiet"]
    said = f"`handful map`, {side} x {side} pixels tiled from {named()}"
    return trial(
        said,
        lambda out: ["map", scene, *labels, *settings, "-o", out],
        MAP_FILES,
        lambda out: len(list(out.glob(".parts/*.npz"))),
        kills,
    )


def training(folder: Path, kills: int) -> list[Any]:
    recipe, root = folder / "recipe.toml", data("forest-damage")
    recipe.write_text(RECIPE)
    return trial(
        "`handful train`, forest-damage",
        lambda out: ["train", recipe, "--root", root, "--quiet", "-o", out],
        ("model.safetensors",),
        lambda out: len(list(out.glob("training.safetensors"))),
        kills,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--side", type=int, default=1300)
    parser.add_argument("--only", choices=["map", "train"])
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        rows = [mapping(Path(folder), args.side, args.kills)] if args.only != "train" else []
        if args.only != "map":
            rows.append(training(Path(folder), args.kills))
    head = ["command", "seconds unbroken", "kills", "of them with work kept", "runs ended", "same bytes", "all equal"]
    said = (
        "SIGKILL at moments drawn evenly over the length of an unbroken run (seed 0), "
        f"up to {A_FOLDER} in one folder before it is run to the end; then {', '.join(MAP_FILES)} of the map, or the "
        "weights of the training, are compared with those of the unbroken run."
    )
    page("kill", "Killed at random moments", said, table(head, rows))


if __name__ == "__main__":
    main()
