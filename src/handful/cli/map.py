"""`handful map`: from a scene and a handful of labels to a map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import as_json, dry_run, note, options, output, overwrite, quiet, result, seed, window, workers

if TYPE_CHECKING:
    from ..maps.fit import Choices
    from ..maps.job import LabelChoice, SceneChoice

scene_options = options(
    click.option(
        "--bands",
        multiple=True,
        metavar="B02,B03,...",
        help="A name for each band of the file, in file order, '-' skips one; repeated once a raster.",
    ),
    click.option("--sensor", metavar="NAME", help="Sensor of the scene, as sentinel-2, landsat-8 or planetscope-4."),
    click.option(
        "--radiometry",
        metavar="NAME",
        help="How numbers become reflectance: s2, s2-offset, landsat, none, or SCALE,OFFSET. [default: judged]",
    ),
    click.option(
        "--mask", metavar="FILE", type=click.Path(), help="What to leave out: SCL, QA_PIXEL, or a 0/1 raster."
    ),
    click.option("--area", metavar="FILE", type=click.Path(), help="Polygons of the area to map."),
)
painting_options = options(
    click.option(
        "--with",
        "others",
        multiple=True,
        metavar="NAME=FILE",
        help="A raster beside the scene, brought to its grid: radar=s1.tif, dem=dem.tif; repeatable. NAME:KIND=FILE "
        "says what it holds: optical, radar, db, linear, codes or numbers. [default: judged]",
    ),
    click.option("--probabilities", is_flag=True, help="Write probabilities.tif too, one band a class."),
    click.option(
        "--palette", metavar="FILE", type=click.Path(), help="Colours of the classes: JSON {class: '#rrggbb'} or CSV."
    ),
    window,
    workers,
)


@click.command("map", short_help="a map from a scene and a handful of labels")
@click.argument("scenes_and_labels", nargs=-1, required=True, metavar="SCENE... LABELS", type=click.Path())
@output
@click.option("--class-column", metavar="NAME", help="Column of the labels that holds the class.")
@click.option("--target-column", metavar="NAME", help="Column that holds a quantity: maps numbers, not classes.")
@click.option("--unit", default="", metavar="UNIT", help="Unit of the quantity, for legends.")
@click.option("--labels-crs", metavar="CRS", help="Coordinate system of labels that don't say theirs, as EPSG:4326.")
@click.option("--layer", metavar="NAME", help="Layer of the labels file.")
@click.option(
    "--test-labels", metavar="FILE", type=click.Path(), help="An independent sample: scored, never trained on."
)
@click.option("--learner", default="auto", show_default=True, metavar="NAME", help="auto, or one learner by name.")
@click.option(
    "--weights",
    metavar="CHECKPOINT",
    type=click.Path(),
    help="A checkpoint of `handful train` or `pretrain` instead of the shipped weights.",
)
@click.option(
    "--prior",
    type=click.Choice(["equal", "labels", "estimated"]),
    default="equal",
    show_default=True,
    help="Shares of the classes in the scene: equal, as among the labels, or estimated from the scene's pixels.",
)
@click.option(
    "--fusion",
    type=click.Choice(["auto", "early", "late"]),
    default="auto",
    show_default=True,
    help="How --with is used: early stacks everything, late reads each by itself, auto compares both with the scene "
    "alone.",
)
@click.option(
    "--augment",
    metavar="NAME,...",
    callback=lambda context, option, given: words(given),
    help="Fit also on changed copies of the labels' surroundings: turns, light, jitter, haze, noise (haze=0.02).",
)
@click.option("--copies", type=click.IntRange(1, 64), help="Copies of each label for --augment. [default: 4]")
@click.option(
    "--views",
    type=click.Choice(["1", "4", "8"]),
    callback=lambda context, option, given: None if given is None else int(given),
    help="Average answers over 4 quarter turns of the scene, or 8 with mirrors: as much slower. [default: 1]",
)
@seed
@scene_options
@painting_options
@overwrite
@as_json
@quiet
@dry_run
def command(scenes_and_labels: tuple[str, ...], output: str, **given: Any) -> None:
    """Map SCENE from LABELS (points, lines or polygons of a GeoPackage, GeoJSON, Shapefile or CSV, or a raster).

    Several co-registered rasters are stacked: the last file is the labels, all before it are scenes. The folder of
    -o gets map.tif, confidence.tif, trust.tif, areas.csv, report.html, model/ and run.json.
    """
    if len(scenes_and_labels) < 2:
        raise click.UsageError("give the scene and, after it, the labels: handful map SCENE.tif LABELS.gpkg -o OUT")
    if given["class_column"] and given["target_column"]:
        raise click.UsageError("--class-column makes a map of classes, --target-column one of a quantity: give one.")
    *scenes, labels = scenes_and_labels
    run(scenes, labels, Path(output), given)


def run(scenes: list[str], labels: str, output: Path, given: dict[str, Any]) -> None:
    from ..folder import check, claim, spare
    from ..maps.fit import Choices
    from ..maps.job import OURS, LabelChoice, Painting, SceneChoice, make_map
    from ..maps.modality import files_of
    from ..report.map_report import write_report
    from .progress import Stages

    scene_choice = SceneChoice(scenes, **part(given, SceneChoice, "paths"))
    label_choice = LabelChoice(labels, **part(given, LabelChoice, "path"))
    choices, painting = Choices(**part(given, Choices)), Painting(**part(given, Painting))
    named = [given[name] for name in ("mask", "area", "test_labels", "palette", "weights")]
    spare(output, OURS, [*scenes, labels, *files_of(given["others"]), *named])
    if given["dry_run"]:
        check(output, OURS, overwrite=given["overwrite"])
        rehearse(scene_choice, label_choice, choices, output, given)
        return
    with claim(output, OURS, overwrite=given["overwrite"]), Stages(quiet=given["quiet"]) as stages:
        made = make_map(
            scene_choice,
            label_choice,
            choices,
            painting,
            output,
            test_labels=given["test_labels"],
            tell=lambda sentence: note(sentence, given["quiet"]),
            progress=stages,
        )
        write_report(made)
        record = made.close()
    show(record, output, given)


def words(given: str | None) -> tuple[str, ...] | None:
    """The names of a list with commas."""
    return None if given is None else tuple(word.strip() for word in given.split(",") if word.strip())


def part(given: dict[str, Any], kind: type, *but: str) -> dict[str, Any]:
    """The options that were given and that a dataclass has fields for."""
    from dataclasses import fields

    names = [f.name for f in fields(kind) if f.name in given and f.name not in but]
    return {name: given[name] for name in names if given[name] is not None}


def rehearse(
    scene_choice: SceneChoice, label_choice: LabelChoice, choices: Choices, output: Path, given: dict[str, Any]
) -> None:
    """Read the inputs and say what would be done."""
    from ..maps.fit import candidates_for
    from ..maps.job import chosen_palette

    scene = scene_choice.open()
    labels = label_choice.read(scene, choices.seed)
    labels.require_enough()
    if given["test_labels"] is not None:
        replace(label_choice, path=given["test_labels"]).read(scene)
    chosen_palette(given["palette"], labels)
    note([*scene.notes, *labels.notes], given["quiet"])
    tried = [candidate.name for candidate in candidates_for(scene, labels.problem, choices)]
    size = f"{scene.grid.width:,} x {scene.grid.height:,} pixels"
    said = f"Would map {size} from {len(labels):,} labelled pixels into {output}, trying {', '.join(tried)}."
    plan = {"width": scene.grid.width, "height": scene.grid.height, "labels": len(labels), "tried": tried}
    result(f"{said} Nothing was written.", plan, given["as_json"])


def show(record: dict[str, Any], output: Path, given: dict[str, Any]) -> None:
    """The comparison on stderr, and on stdout the paths or, as JSON, the record."""
    if not given["quiet"] and not given["as_json"]:
        from rich.console import Console

        from ..report.table import comparison

        Console(stderr=True).print(comparison(record))
    paths = [str(output / name) for name in ("map.tif", "confidence.tif", "trust.tif", "report.html")]
    result("\n".join(paths), record, given["as_json"])
