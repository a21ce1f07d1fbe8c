"""`handful search`: the net of a meta-learner, found by growing cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options


@click.command("search", short_help="a net for a meta-learner, found by growing cells")
@click.argument("recipe", type=click.Path(dir_okay=False))
@options.roots
@options.output
@options.options(
    options.processes, options.keep_going, options.overwrite, options.dry_run, options.as_json, options.quiet
)
def command(recipe: str, roots: tuple[str, ...], output: str, **choices: Any) -> None:
    """Search an encoder for the learner of RECIPE.toml; -o gets search.csv, a row a trial, and best.toml.

    Every trial is a short meta-training on the train sites, scored on validation tasks; test sites are never read.
    After a kill or Ctrl-C the same command goes on where it was, to the same files.
    """
    run(recipe, roots, Path(output), choices)


def run(path: str, given: tuple[str, ...], output: Path, choices: dict[str, Any]) -> None:
    from ..bench.run import Bench, clear
    from ..bench.search import FINAL, OURS, Search
    from ..bench.search import run as run_search
    from ..bench.search_recipe import read_search
    from ..bench.sources import roots_of
    from ..folder import check, claim
    from .evaluate import cores
    from .progress import Stages

    recipe, quiet = read_search(path), choices["quiet"]
    root, roots = roots_of(given, recipe.protocol.data.name, list(recipe.entry.sets))
    search = Search(recipe, Bench(recipe.protocol, root, choices["keep_going"], roots=roots))
    check(output, OURS, overwrite=choices["overwrite"], final=FINAL)
    if choices["dry_run"]:
        say_plan(search, choices)
        return
    with claim(output, OURS, overwrite=choices["overwrite"], final=FINAL):
        if choices["overwrite"]:
            clear(output, (*OURS, FINAL))
        with Stages(quiet) as bar:
            workers = choices["workers"] or cores()
            record = run_search(search, output, workers, lambda text: options.note(text, quiet), bar)
    options.result(sentences(record), record, choices["as_json"])


def say_plan(search: Any, choices: dict[str, Any]) -> None:
    tasks = search.draw()
    search.prepare(Path(), tasks)
    space, steps = search.recipe.space, search.recipe.entry.training[0].steps
    told = {"tasks": len(tasks.tasks), "trials": space.levels * space.trials, "steps": steps}
    options.note(tasks.notes, choices["quiet"])
    said = "{trials} trainings of {steps} steps at most, each scored on {tasks} validation tasks. Nothing was written."
    options.result(said.format(**told), told, choices["as_json"])


def sentences(record: dict[str, Any]) -> str:
    """What was found, for a person, and the settings to write into a protocol."""
    from ..bench.search import as_toml
    from ..encoders.blocks import told

    best = record["best"]
    head = f"the best of {len(record['trials'])} cells, {best['width']} wide: {told(best['cell'])}"
    return f"{head}\n{as_toml(record).rstrip()}"
