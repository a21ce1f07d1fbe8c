"""Peak memory of `handful map` on a small and on a large scene: memory follows the window, not the scene.

python benchmarks/memory.py [--sides 2000,12000] [--learner ridge]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from common import handful, page, table
from mosaic import mosaic, named

LIMIT_MB = 2000


def measured(side: int, learner: str, folder: Path) -> tuple[float, float]:
    """Peak resident memory in MB of a child process that maps side x side pixels, and its seconds."""
    scene, words = mosaic(folder, side)
    began = time.monotonic()
    command = handful("map", scene, *words, "--learner", learner, "--quiet", "-o", folder / f"out{side}")
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"handful map ended with {child.returncode} on {side} x {side} pixels")
    return usage.ru_maxrss / 1024, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sides", type=lambda s: [int(side) for side in s.split(",")], default=[2000, 12000])
    parser.add_argument("--learner", default="ridge")
    args = parser.parse_args()
    rows, peaks = [], []
    for side in args.sides:
        with TemporaryDirectory() as folder:
            peak, seconds = measured(side, args.learner, Path(folder))
        peaks.append(peak)
        rows.append([f"{side:,} x {side:,}", f"{peak:,.0f}", f"{peak / peaks[0]:.2f}", f"{seconds:,.0f}"])
    said = (
        f"`handful map --learner {args.learner}` on 12 bands, tiled from {named()}; peak resident memory of the whole "
        f"process. Target: within 20 % of each other and below {LIMIT_MB:,} MB."
    )
    page("memory", "Peak memory", said, table(["pixels", "peak MB", "of the first", "seconds"], rows))


if __name__ == "__main__":
    main()
