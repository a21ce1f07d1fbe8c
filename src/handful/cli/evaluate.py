"""`handful evaluate`: score a checkpoint or a learner on labelled sites."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from . import options


class Shots(click.ParamType):
    """Numbers of labels a class, as 1,5,20."""

    name = "shots"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(dict.fromkeys(int(part) for part in str(value).split(",")))
        except ValueError:
            found = ()
        if not found or min(found) < 1:
            self.fail(f"'{value}' is no list of numbers of labels: write it as 1,5,20.", param, ctx)
        return found


@click.command("evaluate", short_help="scores of a checkpoint or a learner on labelled sites")
@click.argument("checkpoint", metavar="CHECKPOINT|LEARNER")
@click.option("--data", required=True, metavar="NAME", help="forest-damage, omniglot, ...: see docs/data.md.")
@click.option("--root", required=True, type=click.Path(file_okay=False), help="Folder of the data set.")
@click.option("--shots", type=Shots(), default=(1, 5, 20), metavar="K,...", help="Labels a class  [default: 1,5,20]")
@click.option("--encoder", default="", metavar="NAME", help="Features of a learner by name: plain, context, dense.")
@click.option("--json", "file", type=click.Path(dir_okay=False), help="File to write the scores to.")
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Sites at once  [default: the cores]")
@options.quiet
def command(checkpoint: str, file: str | None, workers: int | None, quiet: bool, **choices: Any) -> None:
    """Score CHECKPOINT, a folder of `handful train`, or a learner by name, on every site that it has not seen.

    A site counts where each class has 20 labels beyond the shots. Balanced accuracy on every label that is not in
    the support: the mean of five draws, then over sites, with its 95 % interval over sites.
    """
    from ..bench.evaluate import Protocol, evaluate
    from ..files import write_json
    from .progress import Stages

    if file is not None:
        check_file(Path(file))
    protocol = Protocol(checkpoint, **choices)
    with Stages(quiet) as bar:
        found = evaluate(
            protocol,
            workers or cores(),
            tell=lambda text: options.note(text, quiet),
            progress=lambda done, total: bar("scoring sites", done, total),
        )
    if file is not None:
        write_json(Path(file), found)
    options.result(table(found), found)


def check_file(path: Path) -> None:
    """Raise OutputError where the scores could not take that name, before they are made."""
    from ..errors import OutputError

    if not path.absolute().parent.is_dir():
        raise OutputError(f"--json {path}: there is no folder {path.parent}: make it first.")
    if path.exists() and not path.is_file():  # a device would be replaced by a file
        raise OutputError(f"--json {path} is no regular file: give the name of one to write.")


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def table(found: dict[str, Any]) -> str:
    """The scores for a person: a line a number of shots."""
    lines = [f"{found['checkpoint']} on {found['sites']} sites of {found['data']}", "shots  balanced accuracy  sites"]
    for shots, score in found["shots"].items():
        mean, low, high = score["balanced_accuracy"], score["low"], score["high"]
        limits = "" if low is None else f" ({low:.3f} to {high:.3f})"
        value = "no site has labels enough" if mean is None else f"{mean:.3f}{limits}"
        lines.append(f"{shots:>5}  {value}  {score['sites']}")
    return "\n".join(lines)
