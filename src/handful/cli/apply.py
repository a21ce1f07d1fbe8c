"""`handful apply`: map another scene with the model of an earlier map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .map import painting_options, part, scene_options, show
from .options import as_json, note, output, overwrite, quiet


@click.command("apply", short_help="map another scene with the model of an earlier map")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE...", type=click.Path())
@output
@click.option(
    "--adapt",
    type=click.Choice(["statistics", "coral", "auto"]),
    is_flag=False,
    flag_value="auto",
    help="Align the labels' features to the scene's pixels first. [alone: auto, which may leave them as they are]",
)
@scene_options
@painting_options
@overwrite
@as_json
@quiet
def command(model: Path, scenes: tuple[str, ...], output: str, **given: Any) -> None:
    """Map SCENE, without labels, with MODEL: the folder OUT/model of an earlier `handful map`.

    Several rasters are stacked in the order of that map. Nobody has checked the map in the new place: trust.tif shows
    where its pixels look like those that were labelled, and how far the scenes lie apart is said.
    """
    from ..folder import claim, spare
    from ..maps.job import OURS, Painting, SceneChoice, apply_model
    from ..maps.modality import files_of
    from ..report.map_report import write_report
    from .progress import Stages

    choice = SceneChoice(list(scenes), **part(given, SceneChoice, "paths"))
    painting, folder = Painting(**part(given, Painting)), Path(output)
    spare(folder, OURS, [model, *scenes, *files_of(given["others"]), given["mask"], given["area"], given["palette"]])
    with claim(folder, OURS, overwrite=given["overwrite"]), Stages(quiet=given["quiet"]) as stages:
        made = apply_model(
            model,
            choice,
            painting,
            folder,
            adapt=given["adapt"],
            tell=lambda sentence: note(sentence, given["quiet"]),
            progress=stages,
        )
        write_report(made)
        record = made.close()
    show(record, folder, given)
