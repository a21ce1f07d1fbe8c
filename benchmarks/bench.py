"""The protocols bench-NAME.toml on the data of HANDFUL_DATA: the table of each as a page beside it.

python benchmarks/bench.py [NAME ...]

What a run has written stays in build/bench-NAME: after a kill the same command goes on where it was.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import HERE, data, handful, page, table

FOLDERS = {"ucmerced": "scene-classes", "aid": "scene-classes"}  # of the collection, where the name is another
BUILD = HERE.parent / "build"


def main() -> None:
    for name in sys.argv[1:] or sorted(path.stem.removeprefix("bench-") for path in HERE.glob("bench-*.toml")):
        protocol = HERE / f"bench-{name}.toml"
        out = BUILD / protocol.stem
        if not (out / "bench.json").exists():
            subprocess.run(handful("bench", protocol, *roots(protocol), "-o", out, "--workers", 1), check=True)
        record = json.loads((out / "bench.json").read_text("utf-8"))
        page(protocol.stem, title(protocol), *parts(record, out, protocol))


def roots(protocol: Path) -> Iterator[str]:
    """The folder of the protocol's data set, and those of others that learners are trained on."""
    for name, text in names(protocol):
        yield from ("--root", f"{text}{data(FOLDERS.get(name, name))}")


def names(protocol: Path) -> Iterator[tuple[str, str]]:
    """Of each data set its name, and what stands before its folder on the command line."""
    told = tomllib.loads(protocol.read_text("utf-8"))
    yield told["data"]["name"], ""
    for name in sorted({name for entry in told["learners"] for name in entry.get("train", {}).get("data", ())}):
        yield name, f"{name}="


def title(protocol: Path) -> str:
    return protocol.read_text("utf-8").splitlines()[0].lstrip("# ").rstrip(".")


def parts(record: dict[str, Any], out: Path, protocol: Path) -> Iterator[str]:
    told = tomllib.loads(protocol.read_text("utf-8"))
    folders = " ".join(f"--root {text}FOLDER" for _, text in names(protocol))
    yield f"`handful bench benchmarks/{protocol.name} {folders} -o OUT --workers 1`"
    places = f"{record['tasks']} tasks, {record['seeds']} seed{'s' if record['seeds'] > 1 else ''} of training"
    steps = {entry["label"]: steps for entry, steps in trainings(record, told)}
    each = f"{next(iter(steps.values()))} each" if len(set(steps.values())) == 1 and len(steps) > 1 else ""
    trained = each or ", ".join(f"{label} {count}" for label, count in steps.items())
    yield (
        f"{record['score']}, mean over draws and tasks, then over {record['unit']}s, with 95 % intervals over "
        f"{record['unit']}s ({units(record)}); {places}; tasks {record['checksum'][:19]}…. "
        + (f"Steps of meta-training: {trained}." if trained else "No learner was meta-trained.")
    )
    yield scores(record, record["score"], mark=True)
    yield f"\\* differs from {record['against']}: Wilcoxon with Holm's correction, and the interval of the difference."
    for score in [name for name in ("accuracy", "miou", "auc", "r2_pooled") if name != record["score"]]:
        if score in record["table"][0]["scores"]:
            yield f"## {score}\n\n{scores(record, score)}"
    yield f"## Less {record['against']}, {record['unit']} by {record['unit']}\n\n{differences(record)}"
    yield f"## Seconds (other work may have shared the machine)\n\n{seconds(out)}"
    if record["without_leaks"]:
        rows = [list(pair) for pair in record["without_leaks"]]
        yield f"## Without the tasks whose support and query share something\n\n{table(['', record['score']], rows)}"
    if record["notes"]:
        yield "\n".join(f"- {note}" for note in record["notes"][:12])


def trainings(record: dict[str, Any], told: dict[str, Any]) -> Iterator[tuple[dict[str, Any], int]]:
    steps = {entry.get("label", entry["name"]): entry.get("train", {}).get("steps") for entry in told["learners"]}
    for entry in record["learners"]:
        if entry["trained"]:
            yield entry, steps[entry["label"]]


def units(record: dict[str, Any]) -> str:
    found = {k: max(len(row.get("units", {})) for row in record["table"] if row["shots"] == k) for k in record["shots"]}
    return ", ".join(f"{count} at k = {k}" for k, count in found.items())


def scores(record: dict[str, Any], score: str, mark: bool = False) -> str:
    rows = defaultdict(list)
    for row in record["table"]:
        found, differs = row["scores"][score], (row.get("difference") or {}).get("differs")
        rows[row["learner"]].append(interval(found) + (" \\*" if mark and differs else ""))
    return table(head(record), [[learner, *cells] for learner, cells in rows.items()])


def differences(record: dict[str, Any]) -> str:
    rows = defaultdict(list)
    for row in record["table"]:
        if row["learner"] != record["against"]:
            rows[row["learner"]].append(interval(row["difference"], "+"))
    return table(head(record), [[learner, *cells] for learner, cells in rows.items()])


def head(record: dict[str, Any]) -> list[str]:
    return ["", *(f"k = {k}" for k in record["shots"])]


def interval(found: dict[str, Any], sign: str = "") -> str:
    """`.612 (.580 to .644)`; nothing where there is no number."""
    if found["mean"] is None:
        return ""
    limits = "" if found["low"] is None else f" ({found['low']:{sign}.3f} to {found['high']:{sign}.3f})"
    return f"{found['mean']:{sign}.3f}{limits}"


def seconds(out: Path) -> str:
    """Of one learner over all splits and seeds: trying settings, training, and what a task takes."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    with open(out / "cost.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            one, tasks = found[row["learner"]], int(row["tasks"])
            one["tasks"] += tasks
            for name in ("adapt_seconds", "predict_seconds"):
                one[name] += float(row[name] or 0) * tasks
            one[f"train {row['split']} {row['seed']}"] = float(row["training_cpu_seconds"] or 0)
            one[f"tune {row['split']}"] = float(row["tuning_cpu_seconds"] or 0)
    rows = []
    for learner, one in found.items():
        training, tuning = (sum(v for k, v in one.items() if k.startswith(kind)) for kind in ("train ", "tune "))
        each = (one["adapt_seconds"] + one["predict_seconds"]) / max(one["tasks"], 1)
        rows.append([learner, f"{tuning:.0f}", f"{training:.0f}", f"{each:.3f}"])
    return table(["", "trying settings (CPU)", "training (CPU)", "a task"], rows)


if __name__ == "__main__":
    main()
