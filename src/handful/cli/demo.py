"""`handful demo`: the main job and the basic comparison, on land that a simulator made."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import as_json, note, overwrite, quiet, result

if TYPE_CHECKING:
    from ..learner import Learner
    from ..maps.demo_scene import DemoFiles
    from ..maps.job import Result

FINAL = "demo.json"
MAP, LATER = "map", "later"
FIRST_TRAINED = 900_000  # shipped weights were trained and chosen on simulated regions of this seed and beyond
OURS = ("scene.tif", "scene-2.tif", "labels.gpkg", "test-labels.gpkg", "demo.png")
LEARNERS = ("random forest on bands", "extra trees with context", "ridge, random weights", "ridge, shipped weights")
HONEST = (
    "Simulated regions of seeds that no weights were trained on. They come from the simulator that the weights learned "
    "from, which flatters the last row; docs/results.md has real scenes."
)


@dataclass(frozen=True)
class Plan:
    """What is simulated: sides in pixels, labels a class."""

    seed: int = 0
    size: int = 256
    shots: int = 5
    test: int = 60
    regions: int = 12
    region_size: int = 96
    draws: int = 2
    compared: tuple[int, ...] = (1, 5)

    def region_seed(self, index: int = 0) -> int:
        """Of the scene (0) and of the regions to compare on (1, 2, ...)."""
        return 100 * self.seed + index


Progress = Callable[[str, int, int], None]


@click.command("demo", short_help="the main job on simulated regions")
@click.option("-o", "--output", default="demo-out", show_default=True, metavar="FOLDER", help="Folder to write to.")
@click.option(
    "--seed",
    type=click.IntRange(0, FIRST_TRAINED // 100 - 1),
    default=0,
    show_default=True,
    help="Of the land, the labels and the regions that learners are compared on.",
)
@overwrite
@as_json
@quiet
def command(output: str, seed: int, **given: Any) -> None:
    """Simulate a scene with five labelled points a class, map it, and compare learners on a few more regions.

    Writes the scene and its labels as files, so that `handful map` can be tried on them; the map with its confidence
    and its report; the map of a later date by the same model; and one picture of it all, demo.png.
    """
    from ..folder import claim
    from ..maps.job import OURS as MAPS
    from .progress import Stages

    ours = {*OURS, *(f"{part}/{name}" for part in (MAP, LATER) for name in MAPS)}
    folder, plan = Path(output), Plan(seed=seed)

    def tell(sentence: str) -> None:
        note(sentence, given["quiet"])

    with claim(folder, ours, overwrite=given["overwrite"], final=FINAL), Stages(quiet=given["quiet"]) as stages:
        found = run(folder, plan, tell, stages)
    show(found, folder, given["as_json"], given["quiet"])


def run(folder: Path, plan: Plan, tell: Callable[[str], None], progress: Progress) -> dict[str, Any]:
    """Everything the command does, into a folder that is claimed; what `demo.json` says."""
    from .. import __version__
    from ..files import write_bytes, write_json
    from ..maps.demo_scene import write_demo
    from ..report.map_report import pictures_of
    from ..report.side_by_side import side_by_side
    from ..simulate import region

    land = region(plan.region_seed(), size=plan.size, dates=2)
    files = write_demo(land, folder, shots=plan.shots, test=plan.test, seed=plan.seed)
    tell(f"Simulated {plan.size} x {plan.size} pixels of land on two dates, with {plan.shots} labels a class.")
    made = map_scene(files, folder / MAP, plan, tell, progress)
    write_bytes(folder / "demo.png", side_by_side(pictures_of(made), made.record["classes"]))
    test = {"first date": made.record["test"], "later date": map_later(files, made, folder, progress)}
    found = {
        "handful": __version__,
        "seed": plan.seed,
        "map": made.close(),
        "test": {name: brief(score) for name, score in test.items()},
        "comparison": compare(plan, progress),
        "note": HONEST,
    }
    write_json(folder / FINAL, found)
    return found


def map_scene(files: DemoFiles, output: Path, plan: Plan, tell: Callable[[str], None], progress: Progress) -> Result:
    """What `handful map scene.tif labels.gpkg --class-column class --test-labels test-labels.gpkg` does."""
    from ..maps.fit import Choices
    from ..maps.job import LabelChoice, Painting, SceneChoice, make_map
    from ..report.map_report import write_report

    output.mkdir(exist_ok=True)
    made = make_map(
        SceneChoice([str(files.scenes[0])]),
        LabelChoice(str(files.labels), class_column="class"),
        Choices(seed=plan.seed),
        Painting(),
        output,
        test_labels=str(files.test_labels),
        tell=tell,
        progress=progress,
    )
    write_report(made)
    return made


def map_later(files: DemoFiles, made: Result, folder: Path, progress: Progress) -> dict[str, Any]:
    """What `handful apply map/model scene-2.tif` does; the scores of that map on the same test sample."""
    from ..maps.job import LabelChoice, Painting, SceneChoice, apply_model
    from ..report.map_report import write_report

    (folder / LATER).mkdir(exist_ok=True)

    def again(stage: str, done: int, total: int) -> None:
        progress(f"{stage} the later date", done, total)

    later = apply_model(
        folder / MAP / "model", SceneChoice([str(files.scenes[1])]), Painting(), folder / LATER, progress=again
    )
    write_report(later)
    test = LabelChoice(str(files.test_labels), class_column="class").read(later.scene)
    assert made.labels is not None
    score = later.outputs.tested(test, made.labels)
    later.close()
    return score


def brief(score: dict[str, Any]) -> dict[str, Any]:
    return {name: score[name] for name in ("balanced_accuracy", "low", "high", "labels")}


def compare(plan: Plan, progress: Progress) -> dict[str, dict[str, dict[str, Any]]]:
    """Balanced accuracy of each learner at each number of labels a class: mean over draws, then over regions."""
    from ..bench.evaluate import score_region
    from ..bench.statistics import interval, region_means
    from ..simulate import region

    learners = compared(plan)
    rows: dict[str, list[Any]] = {name: [] for name in learners}
    for index in range(plan.regions):
        land = region(plan.region_seed(index + 1), size=plan.region_size)
        for name, learner in learners.items():
            rows[name] += score_region(learner, land, plan.compared, range(plan.draws))
        progress("comparing learners", index + 1, plan.regions)

    def score(name: str, shots: int) -> dict[str, Any]:
        of_shots = [row for row in rows[name] if row.shots == shots]
        means = region_means([row.site for row in of_shots], [row.balanced_accuracy for row in of_shots])
        found = interval(list(means.values()))
        return {"balanced_accuracy": found.mean, "low": found.low, "high": found.high, "regions": len(means)}

    return {name: {str(shots): score(name, shots) for shots in plan.compared} for name in learners}


def compared(plan: Plan) -> dict[str, Learner]:
    """What people use today, the same with context, and meta-learned features beside those of random weights."""
    from ..learners import make
    from ..maps.weights import pretrained

    shipped = pretrained("ridge", outputs=2, seed=plan.seed)
    bare = make("ridge", encoder=shipped.encoder, encoder_settings=shipped.encoder_settings, seed=plan.seed)
    forests = make("random_forest", encoder="plain"), make("extra_trees", encoder="context")
    return dict(zip(LEARNERS, (*forests, bare, shipped), strict=True))


def show(found: dict[str, Any], folder: Path, as_json: bool, quiet: bool) -> None:
    """The map's own table on stderr; on stdout the comparison and the paths or, as JSON, everything."""
    if not quiet and not as_json:
        from rich.console import Console

        from ..report.table import comparison

        Console(stderr=True).print(comparison(found["map"]))
    paths = [str(folder / MAP / name) for name in ("map.tif", "confidence.tif", "report.html")]
    result("\n".join([*said(found), "", *paths, str(folder / "demo.png")]), found, as_json)


def said(found: dict[str, Any]) -> list[str]:
    """The scores for a person, a line each."""
    shots = [int(k) for k in next(iter(found["comparison"].values()))]
    tests = [f"{name:<26}{percent(score)}" for name, score in found["test"].items()]
    head = "".join(f"{f'{k} label' + 's' * (k > 1) + ' a class':>24}" for k in shots)
    rows = [
        f"{name:<26}" + "".join(f"{percent(scores[str(k)]):>24}" for k in shots)
        for name, scores in found["comparison"].items()
    ]
    regions = max(score["regions"] for scores in found["comparison"].values() for score in scores.values())
    return [
        "",
        "The map, balanced accuracy on independent labels of the same simulated scene",
        *tests,
        "",
        f"Learners, balanced accuracy over {regions} more simulated regions (95 % interval over regions)",
        f"{'':<26}{head}",
        *rows,
        *textwrap.wrap(found["note"], 100),
    ]


def percent(score: dict[str, Any]) -> str:
    """A score with its interval.

    >>> percent({"balanced_accuracy": 0.812, "low": 0.78, "high": 0.85})
    '81 % (78 to 85)'
    """
    value, low, high = (score.get(key) for key in ("balanced_accuracy", "low", "high"))
    if value is None:
        return "-"
    return f"{100 * value:.0f} %" + ("" if low is None or high is None else f" ({100 * low:.0f} to {100 * high:.0f})")
