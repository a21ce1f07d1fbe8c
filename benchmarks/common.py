"""What the benchmarks share: where data is, how a command is run, intervals over draws, and the page of a table."""

from __future__ import annotations

import csv
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

HERE = Path(__file__).parent
PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "rasterio")


def data(*parts: str) -> Path:
    """A path of the data collection; leaves the script with a reason where it isn't there."""
    root = os.environ.get("HANDFUL_DATA")
    if not root:
        skip("HANDFUL_DATA is not set: it names the folder of the data for benchmarks")
    path = Path(root, *parts)
    if not path.exists():
        skip(f"{Path(*parts)} is not in HANDFUL_DATA")
    return path


def skip(why: str) -> Any:
    print(f"{Path(sys.argv[0]).stem}: skipped: {why}")
    sys.exit(0)


def weights_mark() -> str:
    """A few digits that change with the shipped weights."""
    import handful
    from handful.files import checksum

    path = Path(handful.__file__).parent / "weights" / "model.safetensors"
    return checksum(path).split(":")[-1][:8] if path.exists() else "none"


def machine() -> str:
    """Versions and cores, as every page says them."""
    import handful

    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"load {os.getloadavg()[0]:.1f} when it ended"
    return (
        f"handful {handful.__version__}, weights {weights_mark()}, Python {platform.python_version()}, {packages}; "
        f"{cores} cores, {load}."
    )


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table in Markdown, its columns aligned so that it reads as text too."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    wide = [max(len(row[place]) for row in cells) for place in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in wide) + "|")
    return "\n".join(lines)


def page(name: str, title: str, *parts: str) -> None:
    """Print the parts and write them to NAME.md beside the script."""
    text = "\n\n".join([f"# {title}", *parts, machine(), f"Made by `python benchmarks/{name.split('-')[0]}.py`."])
    (HERE / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV; none where it isn't there."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def has(row: Mapping[str, str], key: Mapping[str, Any]) -> bool:
    return all(row.get(name) == str(value) for name, value in key.items())


def keep(path: Path, key: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the rows of a key into a CSV, in the place of those that it has of it."""
    before = rows_of(path)
    places = [place for place, row in enumerate(before) if has(row, key)] or [len(before)]
    others = [row for row in before if not has(row, key)]
    write_rows(path, [*others[: places[0]], *({**key, **row} for row in rows), *others[places[0] :]])


@dataclass
class Scores:
    """Rows of scores kept in a CSV beside the script, so that a long benchmark goes on where it was."""

    path: Path

    def __post_init__(self) -> None:
        self.rows = rows_of(self.path)

    def score(self, key: Mapping[str, Any], make: Callable[[], Mapping[str, float]]) -> dict[str, str]:
        """The row of this key, made and kept unless it is there."""
        for row in self.rows:
            if has(row, key):
                return row
        row = {name: str(value) for name, value in key.items()}
        row |= {name: f"{value:.5f}" for name, value in make().items()}
        self.rows.append(row)
        write_rows(self.path, self.rows)
        return row


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and half of its 95 % interval (Student's t); NaN below two values."""
    found = np.asarray(values, dtype=float)
    if len(found) < 2:
        return float(found.mean()) if len(found) else float("nan"), float("nan")
    return float(found.mean()), float(t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)))


def shown(values: Sequence[float], sign: str = "") -> str:
    """`.612 ± .021`; a lone value without an interval."""
    mean, half = mean_interval(values)
    if not np.isfinite(mean):
        return ""
    text = f"{mean:{sign}.3f}"
    return text if not np.isfinite(half) else f"{text} ± {half:.3f}"


def handful(*arguments: Any) -> list[str]:
    """The command line of handful under this interpreter."""
    return [sys.executable, "-m", "handful", *map(str, arguments)]


def run(*arguments: Any) -> float:
    """Run handful to its end, quietly; the seconds it took. Raises where it fails."""
    began = time.monotonic()
    done = subprocess.run(handful(*arguments), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"handful {' '.join(map(str, arguments))}\n{done.stderr[-2000:]}")
    return time.monotonic() - began
