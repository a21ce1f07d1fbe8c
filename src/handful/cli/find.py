"""`handful find`: show one, find all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .map import part, scene_options
from .options import as_json, dry_run, note, output, overwrite, quiet, result, seed, window, workers

if TYPE_CHECKING:
    from ..find.job import ExampleChoice
    from ..find.search import Choices
    from ..maps.job import SceneChoice

FILES = ("mask", "area", "weights", "base")


@click.command("find", short_help="all things in a scene that are like a few examples")
@click.argument("scenes_and_examples", nargs=-1, required=True, metavar="SCENE... EXAMPLES", type=click.Path())
@output
@click.option(
    "--examples-scene",
    "example_scenes",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="The scene that the examples lie on, where it is another one; repeated once a raster.",
)
@click.option("--class-column", metavar="NAME", help="Column of the examples that names their kind, for several kinds.")
@click.option(
    "--size-m",
    type=click.FloatRange(0, min_open=True),
    metavar="METRES",
    help="Side of the square around an example that is a point; in pixels where the scene has no georeference.",
)
@click.option("--labels-crs", metavar="CRS", help="Coordinate system of examples that don't say theirs, as EPSG:4326.")
@click.option("--layer", metavar="NAME", help="Layer of the examples' file.")
@click.option(
    "--detector",
    type=click.Choice(["matching", "cosine", "attention"]),
    default="matching",
    show_default=True,
    help="matching needs no training; the other two stand on base training, in boxes only.",
)
@click.option(
    "--base",
    metavar="FOLDER",
    type=click.Path(),
    help="Weights of the detector cosine or attention; trained there first where there are none, for some minutes.",
)
@click.option(
    "--as",
    "answer",
    type=click.Choice(["auto", "boxes", "polygons"]),
    default="auto",
    show_default=True,
    help="What is found: boxes of the examples' size, polygons of any, or as the examples are.",
)
@click.option(
    "--least",
    type=click.FloatRange(0.05, 5),
    metavar="SCORE",
    help="Score from which on something is found: .5, and .2 for attention. For matching 1 is as alike as the "
    "examples are to each other.",
)
@click.option("--weights", metavar="CHECKPOINT", type=click.Path(), help="An encoder of `handful train` instead.")
@seed
@scene_options
@window
@workers
@overwrite
@as_json
@quiet
@dry_run
def command(scenes_and_examples: tuple[str, ...], output: str, **given: Any) -> None:
    """Find all that is like EXAMPLES (a few polygons, boxes or points) in SCENE.

    The last file is the examples, all before it are rasters of the scene. The folder of -o gets objects.gpkg with
    scores and a QGIS style, similarity.tif, report.html with thumbnails in the order of their scores, and run.json.
    """
    if len(scenes_and_examples) < 2:
        raise click.UsageError(
            "give the scene and, after it, the examples: handful find SCENE.tif EXAMPLES.gpkg -o OUT"
        )
    *scenes, examples = scenes_and_examples
    run(scenes, examples, Path(output), given)


def run(scenes: list[str], examples: str, output: Path, given: dict[str, Any]) -> None:
    from ..find.job import OURS, ExampleChoice, find
    from ..find.search import Choices
    from ..folder import check, claim, spare
    from ..maps.job import Painting, SceneChoice
    from ..report.find_report import write_report
    from .progress import Stages

    scene_choice = SceneChoice(scenes, **part(given, SceneChoice, "paths"))
    example_choice = ExampleChoice(examples, **part(given, ExampleChoice, "examples"))
    choices, painting = Choices(**part(given, Choices)), Painting(**part(given, Painting))
    choices.check()
    spare(output, OURS, [*scenes, examples, *given["example_scenes"], *(given[name] for name in FILES)])
    if given["dry_run"]:
        check(output, OURS, overwrite=given["overwrite"])
        rehearse(scene_choice, example_choice, choices, output, given)
        return
    with claim(output, OURS, overwrite=given["overwrite"]), Stages(quiet=given["quiet"]) as stages:
        made = find(
            scene_choice,
            example_choice,
            choices,
            painting,
            output,
            tell=lambda sentence: note(sentence, given["quiet"]),
            progress=stages,
        )
        write_report(made)
        record = made.close()
    show(record, output, given)


def rehearse(
    scene_choice: SceneChoice, example_choice: ExampleChoice, choices: Choices, output: Path, given: dict[str, Any]
) -> None:
    """Read the inputs and say what would be done."""
    from ..find.job import opened

    scene, _, shown = opened(scene_choice, example_choice)
    note([*scene.notes, *shown.notes], given["quiet"])
    size = f"{scene.grid.width:,} x {scene.grid.height:,} pixels"
    kind = "boxes" if choices.boxes(shown) else "polygons"
    said = f"Would look for {kind} like {len(shown)} examples of {', '.join(shown.names)} in {size}, into {output}."
    plan = {"width": scene.grid.width, "height": scene.grid.height, "examples": len(shown), "kinds": list(shown.names)}
    result(f"{said} Nothing was written.", plan | {"answer": kind}, given["as_json"])


def show(record: dict[str, Any], output: Path, given: dict[str, Any]) -> None:
    """What was found on stderr, and on stdout the paths or, as JSON, the record."""
    found = ", ".join(f"{count:,} of {kind}" for kind, count in record["found"].items())
    note(f"Found {found}.", given["quiet"])
    note(record["cannot_judge"], given["quiet"])
    rasters = ["similarity.tif"] if record["detector"] == "matching" else []
    paths = [str(output / name) for name in ("objects.gpkg", *rasters, "report.html")]
    result("\n".join(paths), record, given["as_json"])
