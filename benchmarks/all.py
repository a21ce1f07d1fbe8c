"""Every benchmark whose data is there, one after the other.

python benchmarks/all.py [NAME ...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = [
    "help",
    "same_bytes",
    "speed",
    "kill",
    "scene",
    "sites",
    "fusion",
    "fusion_simulated",
    "memory",
    "bench_kill",
    "bench_cost",
    "meta_speed",
    "coverage",
    "domains",
]  # the quick ones first


def main() -> None:
    here, failed = Path(__file__).parent, []
    for name in sys.argv[1:] or NAMES:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, here / f"{name}.py"]).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
