"""How many patches a second `handful pretrain` learns from, and where the time goes.

python benchmarks/pretrain_speed.py [--steps 20]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from common import page, table
from mosaic import mosaic

from handful.learners import make
from handful.maps.scene import Scene
from handful.meta_train import Training, meta_train
from handful.pretrain.tiles import Tiles

PATCHES, PATCH, SIDE = 64, 32, 1024
NETS = {
    "spectral": {"encoder": "spectral"},
    "dense": {"encoder": "dense", "encoder_settings": {"bands": 12}},
    "conv4": {"encoder": "conv4", "encoder_settings": {"bands": 12}},
    "resnet12": {"encoder": "resnet12", "encoder_settings": {"bands": 12, "width": 32}},
}


def timed(method: str, net: dict[str, object], tiles: Tiles, steps: int) -> list[float]:
    """CPU seconds a step: of drawing patches, of the loss, and of all."""
    learner, spent = make(method, **net), [0.0, 0.0]
    loss = learner.task_loss

    def of(place: int, act, *given):  # noqa: ANN001, ANN002, ANN202
        began = time.process_time()
        found = act(*given)
        spent[place] += time.process_time() - began
        return found

    object.__setattr__(learner, "task_loss", lambda task: of(1, loss, task))
    began = time.process_time()
    meta_train(learner, lambda step: [of(0, tiles.task, PATCHES, 0, step)], Training(steps=steps))
    return [part / steps for part in (*spent, time.process_time() - began)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder, Scene.open(mosaic(Path(folder), SIDE)[0]) as scene:
        began = time.monotonic()
        tiles = Tiles.of([scene], PATCH, 0)
        read = time.monotonic() - began
    rows = []
    for method in ("simclr", "simmim"):
        for name, net in NETS.items():
            draw, loss, whole = timed(method, net, tiles, args.steps)
            shares = [f"{part / whole:.0%}" for part in (draw, loss, whole - draw - loss)]
            rows.append([method, name, f"{PATCHES / whole:.0f}", *shares])
    head = ["method", "encoder", "patches a second", "drawing", "loss", "gradient and step"]
    about = (
        f"A simulated scene of {SIDE:,} x {SIDE:,} pixels and 12 bands, read in {read:.1f} s; {PATCHES} patches of "
        f"{PATCH} pixels a side a step, the mean of {args.steps} steps, CPU seconds of one thread: training computes "
        "in one, so that the same seed gives the same bytes."
    )
    page(Path(__file__).stem, "How fast pretraining is", about, table(head, rows))


if __name__ == "__main__":
    main()
