"""`handful pretrain`: an encoder learned from scenes without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options
from .map import part, scene_options


class Setting(click.ParamType):
    """KEY=VALUE, the value as a recipe has it."""

    name = "setting"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        import tomllib

        if isinstance(value, tuple):
            return value
        key, mark, text = str(value).partition("=")
        try:
            return key.strip(), tomllib.loads(f"value = {text}")["value"] if mark else None
        except tomllib.TOMLDecodeError:
            return key.strip(), text


@click.command("pretrain", short_help="an encoder from scenes without labels")
@click.argument("scenes", nargs=-1, metavar="[SCENE...]", type=click.Path())
@options.output
@click.option(
    "--pair", "pairs", multiple=True, metavar="A=B", help="Two rasters of one place, as two views. Repeatable."
)
@click.option(
    "--method",
    default="",
    metavar="NAME",
    help="simclr, dual_simclr or simmim. [default: simclr, or dual_simclr for pairs]",
)
@click.option(
    "--encoder",
    default="",
    metavar="NAME",
    help="What is learned. [default: spectral where wavelengths are known, or dense]",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    type=Setting(),
    metavar="KEY=VALUE",
    help="A setting of the method, or encoder.KEY=VALUE one of the encoder. Repeatable.",
)
@click.option(
    "--weights",
    metavar="CHECKPOINT",
    help="Begin with the encoder of a checkpoint, or with 'shipped'. [default: at random]",
)
@click.option(
    "--labels",
    metavar="FILE",
    type=click.Path(),
    help="A few labels on the first scene: tells whether it helps; never learned from.",
)
@click.option("--class-column", metavar="NAME", help="Column of the labels that holds the class.")
@click.option("--labels-crs", metavar="CRS", help="Coordinate system of labels that don't say theirs, as EPSG:4326.")
@click.option("--layer", metavar="NAME", help="Layer of the labels file.")
@click.option("--steps", type=click.IntRange(1), default=500, show_default=True, metavar="N", help="Steps of training.")
@click.option(
    "--patches", type=click.IntRange(2, 4096), default=64, show_default=True, metavar="N", help="Patches of a step."
)
@click.option(
    "--patch", type=click.IntRange(8, 512), default=32, show_default=True, metavar="PIXELS", help="A side of a patch."
)
@click.option(
    "--step-size",
    type=click.FloatRange(0, 10, min_open=True),
    default=1e-3,
    show_default=True,
    metavar="X",
    help="Of the optimiser.",
)
@options.seed
@scene_options
@options.options(options.overwrite, options.as_json, options.quiet, options.dry_run)
def command(scenes: tuple[str, ...], pairs: tuple[str, ...], output: str, **given: Any) -> None:
    """Learn an encoder from SCENEs that nobody labelled; -o is the checkpoint to write.

    `handful map ... --weights` and everything else that begins with weights takes the folder of -o. After a kill or
    Ctrl-C the same command goes on where it was, to the same weights.
    """
    if bool(scenes) == bool(pairs):
        raise click.UsageError("give scenes, or pairs of rasters with --pair A.tif=B.tif, and not both.")
    run([list(two(pair)) for pair in pairs] or [[scene] for scene in scenes], Path(output), given, bool(pairs))


def two(pair: str) -> tuple[str, str]:
    one, mark, other = pair.partition("=")
    if not (one and mark and other):
        raise click.UsageError(f"--pair {pair}: write two rasters of one place as --pair optical.tif=radar.tif.")
    return one, other


def run(groups: list[list[str]], output: Path, given: dict[str, Any], paired: bool) -> None:
    from ..checkpoint import RECORD
    from ..folder import check, claim, spare
    from ..maps.job import LabelChoice, SceneChoice
    from ..pretrain.choices import Choices
    from ..pretrain.job import OURS, pretrain, rehearse
    from .progress import Stages

    scenes = [SceneChoice(paths, **part(given, SceneChoice, "paths")) for paths in groups]
    labels = LabelChoice(given["labels"], **part(given, LabelChoice, "path")) if given["labels"] else None
    choices = Choices(**{**part(given, Choices), **settings_of(given, paired)})
    spare(
        output,
        (*OURS, RECORD),
        [*(path for paths in groups for path in paths), *(given[k] for k in ("labels", "mask", "area", "weights"))],
    )
    if given["dry_run"]:
        check(output, OURS, overwrite=given["overwrite"], final=RECORD)
        told = rehearse(scenes, choices, labels)
        options.result(f"Would {told['sentence']} into {output}. Nothing was written.", told, given["as_json"])
        return
    with claim(output, OURS, overwrite=given["overwrite"], final=RECORD), Stages(given["quiet"]) as bar:
        record = pretrain(
            scenes, choices, output, labels, tell=lambda text: options.note(text, given["quiet"]), progress=bar
        )
    options.result(sentence(output, record), record, given["as_json"])


def settings_of(given: dict[str, Any], paired: bool) -> dict[str, Any]:
    """The method, and the settings of --set for it and for its encoder."""
    method, inner = given["method"] or ("dual_simclr" if paired else "simclr"), "encoder."
    return {
        "method": method,
        "settings": {key: value for key, value in given["sets"] if not key.startswith(inner)},
        "encoder_settings": {key.removeprefix(inner): v for key, v in given["sets"] if key.startswith(inner)},
    }


def sentence(output: Path, record: dict[str, Any]) -> str:
    """What was made, for a person."""
    said = f"{output}: {record['steps']:,} steps in {record['seconds']:.0f} s"
    found = record["balanced_accuracy"]
    if not found:
        return f"{said}; give --labels to hear whether it helps"
    return f"{said}; balanced accuracy {list(found['steps'].values())[-1]:.3f}, bare bands {found['bands']:.3f}"
