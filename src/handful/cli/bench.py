"""`handful bench`: every learner of a protocol on the same tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options


@click.command("bench", short_help="learners compared under one protocol")
@click.argument("protocol", type=click.Path(dir_okay=False))
@options.roots
@options.output
@click.option("--tasks", "list_file", type=click.Path(dir_okay=False), help="A tasks.json to use instead of drawing.")
@options.options(
    options.processes, options.keep_going, options.overwrite, options.dry_run, options.as_json, options.quiet
)
def command(protocol: str, roots: tuple[str, ...], output: str, **choices: Any) -> None:
    """Compare the learners of PROTOCOL.toml on the data set under --root; -o gets the tables and report.html.

    After a kill or Ctrl-C the same command goes on where it was, to the same scores.csv.
    """
    run(protocol, roots, Path(output), choices)


def run(path: str, given: tuple[str, ...], output: Path, choices: dict[str, Any]) -> None:
    from ..bench.protocol import read_protocol
    from ..bench.run import FINAL, OURS, Bench
    from ..bench.sources import roots_of
    from ..folder import check

    protocol = read_protocol(path)
    root, roots = roots_of(given, protocol.data.name, [name for entry in protocol.learners for name in entry.sets])
    bench = Bench(protocol, root, choices["keep_going"], choices["list_file"], roots)
    check(output, OURS, overwrite=choices["overwrite"], final=FINAL)
    if choices["dry_run"]:
        say_plan(bench, choices)
        return
    record = compared(bench, output, choices)
    options.result(table(record), record, choices["as_json"])


def say_plan(bench: Any, choices: dict[str, Any]) -> None:
    tasks = bench.draw()
    setup = bench.prepare(Path(), tasks)
    counts = {"tasks": len(tasks.tasks), "splits": len(tasks.folds), "seeds": bench.protocol.tasks.seeds}
    lines = [*(f"{name}: {count}" for name, count in counts.items()), f"checksum: {tasks.checksum}"]
    lines += [f"learner: {entry.label}" for entry in setup.entries]
    options.note(tasks.notes, choices["quiet"])
    options.result("\n".join(lines), {**counts, "checksum": tasks.checksum}, choices["as_json"])


def compared(bench: Any, output: Path, choices: dict[str, Any]) -> dict[str, Any]:
    """The record of the bench, which is done in the folder and kept there."""
    from .. import __version__
    from ..bench.examples import examples
    from ..bench.run import FINAL, OURS, REPORT, clear
    from ..bench.run import run as run_bench
    from ..bench.summary import summarise, without
    from ..bench.tables import write_tables
    from ..files import write_json, write_text
    from ..folder import claim
    from ..report.bench_page import bench_page
    from .evaluate import cores
    from .progress import Stages

    quiet = choices["quiet"]
    with claim(output, OURS, overwrite=choices["overwrite"], final=FINAL):
        if choices["overwrite"]:
            clear(output)
        with Stages(quiet) as bar:
            told = run_bench(bench, output, choices["workers"] or cores(), lambda text: options.note(text, quiet), bar)
            bar("searching for leaks", 0, None)
            found = searched(bench, told[1], output)
        setup, tasks, notes = told
        frame = write_tables(output, setup, tasks)
        record = {"handful": __version__, **summarise(setup, tasks, frame, notes), "leaks": found}
        record["without_leaks"] = without(setup, frame, found["tasks"], tasks)
        write_text(output / REPORT, bench_page(record, output, examples(setup, tasks), bench.data.bands))
        write_json(output / FINAL, record)
    return record


def searched(bench: Any, tasks: Any, output: Path) -> dict[str, Any]:
    """The leakage report, kept beside the tables; that of a run that broke off after it is taken over."""
    from ..bench.leaks import leaks
    from ..bench.regions import Regions
    from ..files import write_json

    found = leaks(tasks, bench.data, Regions(bench.data, bench.root, tasks.prints))
    write_json(output / "leaks.json", found)
    return found


def table(record: dict[str, Any]) -> str:
    """A line a learner, a column a number of shots; an asterisk where it differs from what it is compared with."""
    from ..report.bench_charts import of_labels

    shots, score = record["shots"], record["score"]
    lines = [f"{score} on {record['tasks']} tasks of {record['data']}, mean (95 % interval over {record['unit']}s)"]
    width = max(len(entry["label"]) for entry in record["learners"])
    lines.append(" " * width + "".join(f"  {of_labels(record, k):>26}" for k in shots))
    by = {(row["learner"], row["shots"]): row for row in record["table"]}
    for entry in record["learners"]:
        cells = [cell(by[entry["label"], k], score) for k in shots]
        lines.append(f"{entry['label']:<{width}}" + "".join(f"  {text:>26}" for text in cells))
    lines.append(
        f"* differs from {record['against']}: Wilcoxon with Holm's correction, and the interval of the difference"
    )
    return options.printable("\n".join(lines))


def cell(row: dict[str, Any], score: str) -> str:
    found = row["scores"][score]
    if found["mean"] is None:
        return "–"
    limits = "" if found["low"] is None else f" ({found['low']:.3f} to {found['high']:.3f})"
    mark = "*" if (row.get("difference") or {}).get("differs") else " "
    return f"{found['mean']:.3f}{limits}{mark}"
