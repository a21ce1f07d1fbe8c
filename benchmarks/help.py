"""Seconds until `handful --help` and `handful map --help` have answered.

python benchmarks/help.py
"""

from __future__ import annotations

from statistics import median

from common import page, run, table

RUNS = 5
TARGETS = {"--help": 0.5, "map --help": 2.0}  # seconds


def main() -> None:
    rows = []
    for words, target in TARGETS.items():
        took = [run(*words.split()) for _ in range(RUNS)]
        rows.append([f"handful {words}", f"{median(took):.2f}", f"{min(took):.2f}", f"{max(took):.2f}", f"< {target}"])
    page("help", "How soon help answers", table(["command", f"median of {RUNS}", "least", "most", "target"], rows))


if __name__ == "__main__":
    main()
