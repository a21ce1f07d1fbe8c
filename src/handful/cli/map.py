"""`handful map`: from a scene and a handful of labels to a map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import (
    announce,
    json_option,
    output_option,
    overwrite_option,
    painting_options,
    quiet_option,
    scene_options,
)


@click.command("map", short_help="a map from a scene and a handful of labels")
@click.argument("scenes_and_labels", nargs=-1, required=True, metavar="SCENE... LABELS")
@output_option
@click.option("--class-column", metavar="NAME", help="Column of the labels that holds the class.")
@click.option("--target-column", metavar="NAME", help="Column that holds a quantity: maps numbers, not classes.")
@click.option("--unit", default="", metavar="UNIT", help="Unit of the quantity, for legends.")
@click.option("--labels-crs", metavar="CRS", help="Coordinate system of labels that don't say theirs, as EPSG:4326.")
@click.option("--layer", metavar="NAME", help="Layer of the labels file.")
@click.option("--test-labels", metavar="FILE", help="An independent sample: scored, never trained on.")
@click.option("--learner", default="auto", show_default=True, metavar="NAME", help="auto, or one learner by name.")
@click.option("--weights", metavar="CHECKPOINT", help="A checkpoint of `handful train` instead of the shipped weights.")
@click.option(
    "--prior",
    type=click.Choice(["equal", "labels", "estimated"]),
    default="equal",
    show_default=True,
    help="Shares of the classes in the scene: equal, as among the labels, or estimated from the scene's pixels.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of everything that is drawn.")
@scene_options
@painting_options
@overwrite_option
@json_option
@quiet_option
@click.option("--dry-run", is_flag=True, help="Read everything, say what would be done, write nothing.")
def command(scenes_and_labels: tuple[str, ...], output: Path, **options: Any) -> None:
    """Map SCENE from LABELS (points, lines or polygons of a GeoPackage, GeoJSON, Shapefile or CSV, or a raster).

    Several co-registered rasters are stacked: the last file is the labels, all before it are scenes. The folder of
    -o gets map.tif, confidence.tif, trust.tif, areas.csv, report.html, model/ and run.json.
    """
    if len(scenes_and_labels) < 2:
        raise click.UsageError("give the scene and, after it, the labels: handful map SCENE.tif LABELS.gpkg -o OUT")
    if options["class_column"] and options["target_column"]:
        raise click.UsageError("--class-column makes a map of classes, --target-column one of a quantity: give one.")
    *scenes, labels = scenes_and_labels
    run(scenes, labels, output, options)


def run(scenes: list[str], labels: str, output: Path, options: dict[str, Any]) -> None:
    from ..folder import claim
    from ..maps.fit import Choices
    from ..maps.job import OURS, LabelChoice, Painting, SceneChoice, make_map
    from ..report.map_report import write_report
    from .progress import Stages

    scene_choice = SceneChoice(scenes, **part(options, SceneChoice, "paths"))
    label_choice = LabelChoice(labels, **part(options, LabelChoice, "path"))
    choices = Choices(**part(options, Choices, "smoothing"))
    tell = announce(options["quiet"])
    if options["dry_run"]:
        rehearse(scene_choice, label_choice, choices, output, tell)
        return
    with claim(output, overwrite=options["overwrite"], ours=OURS), Stages(options["quiet"]) as stages:
        result = make_map(
            scene_choice,
            label_choice,
            choices,
            Painting(**part(options, Painting)),
            output,
            test_labels=options["test_labels"],
            tell=tell,
            progress=stages,
        )
        write_report(result)
        record = result.close()
    show(record, output, options)


def part(options: dict[str, Any], kind: type, *but: str) -> dict[str, Any]:
    """The options that a dataclass has fields for."""
    from dataclasses import fields

    return {f.name: options[f.name] for f in fields(kind) if f.name in options and f.name not in but}


def rehearse(scene_choice: Any, label_choice: Any, choices: Any, output: Path, tell: Any) -> None:
    """Read the inputs and say what would be done."""
    from ..maps.fit import candidates_for

    scene = scene_choice.open()
    labels = label_choice.read(scene)
    for note in [*scene.notes, *labels.notes]:
        tell(note)
    tried = candidates_for(scene, labels.problem, choices)
    grid = scene.grid
    click.echo(
        f"would map {grid.width:,} x {grid.height:,} pixels from {len(labels):,} labelled pixels into {output}, "
        f"trying {', '.join(candidate.name for candidate in tried)}; nothing was written"
    )


def show(record: dict[str, Any], output: Path, options: dict[str, Any]) -> None:
    """The result: as JSON on stdout, or the comparison on stderr and the paths on stdout."""
    import json

    if options["json"]:
        click.echo(json.dumps(record, ensure_ascii=False))
        return
    if not options["quiet"]:
        from rich.console import Console

        from ..report.table import comparison

        Console(stderr=True).print(comparison(record))
    for name in ("map.tif", "confidence.tif", "trust.tif", "report.html"):
        click.echo(output / name)
