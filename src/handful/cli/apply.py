"""`handful apply`: map another scene with the model of an earlier map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .map import part, show
from .options import (
    announce,
    json_option,
    output_option,
    overwrite_option,
    painting_options,
    quiet_option,
    scene_options,
)


@click.command("apply", short_help="map another scene with the model of an earlier map")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE...")
@output_option
@scene_options
@painting_options
@overwrite_option
@json_option
@quiet_option
def command(model: Path, scenes: tuple[str, ...], output: Path, **options: Any) -> None:
    """Map SCENE, without labels, with MODEL: the folder OUT/model of an earlier `handful map`.

    Several rasters are stacked in the order of that map. Nobody has checked the map in the new place: trust.tif shows
    where its pixels look like those that were labelled.
    """
    from ..folder import claim
    from ..maps.job import OURS, Painting, SceneChoice, apply_model
    from ..report.map_report import write_report
    from .progress import Stages

    choice = SceneChoice(list(scenes), **part(options, SceneChoice, "paths"))
    painting = Painting(**part(options, Painting))
    tell = announce(options["quiet"])
    with claim(output, overwrite=options["overwrite"], ours=OURS), Stages(options["quiet"]) as stages:
        result = apply_model(model, choice, painting, output, tell=tell, progress=stages)
        write_report(result)
        record = result.close()
    show(record, output, options)
