"""`handful train`: meta-train a learner over regions, as a recipe says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options


@click.command("train", short_help="a checkpoint from a recipe and a folder of regions")
@click.argument("recipe", type=click.Path(dir_okay=False, readable=False))
@click.option("--root", required=True, type=click.Path(file_okay=False), help="Folder of the data set.")
@options.output
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=None, help="Instead of the recipe's.")
@click.option("--leave-out", metavar="GROUP,...", default="", help="Groups to neither train nor validate on.")
@options.options(options.overwrite, options.as_json, options.quiet)
def command(recipe: str, root: str, output: str, **choices: Any) -> None:
    """Train the learner of RECIPE.toml on the regions under --root; -o is the checkpoint to write.

    After a kill or Ctrl-C the same command goes on where it was, to the same weights. The checkpoint holds
    model.safetensors, model.json, log.csv and curve.png.
    """
    run(recipe, root, Path(output), choices)


def run(path: str, root: str, output: Path, choices: dict[str, Any]) -> None:
    from ..bench.evaluate import counted
    from ..bench.recipe import read_recipe
    from ..bench.training import CURVE, OURS, RECORD, Job
    from ..files import write_bytes
    from ..folder import check, claim
    from ..report.figures import curves
    from .progress import Stages

    recipe = read_recipe(path)
    if choices["seed"] is not None:
        recipe = recipe.with_seed(choices["seed"])
    recipe = recipe.leaving_out(tuple(group for group in choices["leave_out"].split(",") if group))
    check(output, OURS, overwrite=choices["overwrite"], final=RECORD)
    options.note(f"reading {recipe.data.name} from {root}", choices["quiet"])
    job = Job.read(recipe, root)
    options.note(f"{len(job.regions)} regions to train on, {len(job.held_out)} to validate on", choices["quiet"])
    if job.few:
        options.note(f"left out {counted(job.few)}: one class, or a class with one label", choices["quiet"])
    with claim(output, OURS, overwrite=choices["overwrite"], final=RECORD):
        with Stages(choices["quiet"]) as bar:
            state = job.train(
                output,
                anew=choices["overwrite"],
                progress=lambda done, total, loss: bar("training", done, total),
                note=lambda text: options.note(text, choices["quiet"]),
            )
        if state.log:
            write_bytes(output / CURVE, curves(state.log, recipe.learner))
    told = {"checkpoint": str(output), **{name: value for name, value in job.record(state).items() if name != "recipe"}}
    options.result(sentence(output, told), told, choices["as_json"])


def sentence(output: Path, told: dict[str, Any]) -> str:
    """What was made, for a person."""
    if not told["steps"]:
        return f"{output}: nothing to learn in steps; the settings are kept, and the rows of a learner that pools them"
    best = told["validation"]
    score = "" if best is None else f"; best on validation regions at step {told['best_step']}: {best:.3f}"
    return f"{output}: {told['steps']} steps in {told['seconds']:.0f} s{score}"
