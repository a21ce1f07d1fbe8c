"""A search for an encoder: it finds what is planted, keeps to its budget, goes on after a kill to the same bytes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from small_bench import registered

from handful.bench import search
from handful.bench.growing import Candidate, best_of, blocks, first_cells, grown, guessed, progressive
from handful.bench.protocol import protocol_of
from handful.bench.search_recipe import read_search, search_of
from handful.bench.tasks import read_tasks
from handful.cli.search import command
from handful.data import DATASETS
from handful.encoders.blocks import OPERATIONS, parsed, written
from handful.errors import HandfulError, OutputError, SettingsError
from handful.problem import Classes
from handful.region import Region
from handful.task import Examples

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RECIPE = """
[data]
name = "made-up"
test = 3
validation = 4
[tasks]
shots = [2]
ways = 4
queries = 4
[search]
trials = 3
levels = 2
widths = [4, 6]
most_weights = 900
operations = ["identity", "conv3"]
count = 3
[[learners]]
name = "protonet"
encoder = "cell"
encoder_settings = { cells = 1 }
train = { steps = 2, tasks_per_step = 1, shots = [2, 2], queries = 2, validate_every = 2 }
"""


def pattern(name: str, count: int = 8) -> Region:
    """Images of one colour in every square of 2 x 2: only what sees beyond a pixel, and where, tells them apart."""
    rng = np.random.default_rng(sum(map(ord, name)))
    squares = rng.permuted(np.tile([0.0, 0.0, 1.0, 1.0], (16, 1)), axis=1).reshape(4, 4, 2, 2)
    image = squares.transpose(0, 2, 1, 3).reshape(8, 8)
    images = image + rng.normal(0, 0.01, (count, 3, 8, 8))
    return Region(
        name,
        Examples(torch.from_numpy(images.astype(np.float32)), torch.zeros(count, dtype=torch.long), Classes((name,))),
    )


@pytest.fixture(autouse=True)
def patterns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A data set of such classes; which of them were read."""
    seen: list[str] = []

    def read(root: Path, site: str, group: str) -> Region:
        seen.append(site)
        return pattern(site)

    with registered("images", 14), monkeypatch.context() as patch:  # undone while it is still registered
        patch.setitem(DATASETS, "made-up", replace(DATASETS["made-up"], read=read))
        yield seen


def searched(folder: Path, text: str = RECIPE, *more: str, out: str = "out") -> Result:
    (folder / "recipe.toml").write_text(text)
    words = [str(folder / "recipe.toml"), "--root", str(folder), "-o", str(folder / out), "--workers", "1", *more]
    return CliRunner().invoke(command, words, catch_exceptions=False)


def bytes_of(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in (search.TABLE, search.BEST, search.FINAL)]


def test_what_is_planted_is_found_and_the_rest_never_read(tmp_path: Path, patterns: list[str]) -> None:
    said = searched(tmp_path).stdout
    record = json.loads((tmp_path / "out" / search.FINAL).read_text())
    by_cell = {tuple(found["cell"]): found for found in record["trials"]}
    assert by_cell["identity 0",]["score"] < 0.6 < 0.9 < record["best"]["score"]
    assert any("conv3" in block for block in record["best"]["cell"])
    assert [found["level"] for found in record["trials"]] == [1] * 3 + [2] * 3 and len(by_cell) == 6
    assert all(found["weights"] <= 900 for found in record["trials"])
    fold = read_tasks(tmp_path / "out" / "tasks.json").folds[0]
    assert set(patterns) == {*fold.train, *fold.validation} and len(set(patterns)) == 11 and not fold.test
    assert said.startswith("the best of 6 cells") and 'encoder = "cell"' in said


def test_the_best_is_settings_for_a_protocol(tmp_path: Path) -> None:
    searched(tmp_path)
    found = tomllib.loads((tmp_path / "out" / search.BEST).read_text())
    entry = protocol_of({"data": {"name": "made-up"}, "learners": [{"name": "reptile", **found}]}).learners[0]
    record = json.loads((tmp_path / "out" / search.FINAL).read_text())
    assert entry.settings["encoder_settings"]["cell"] == record["best"]["cell"]
    assert entry.settings["encoder_settings"]["cells"] == 1


def test_a_killed_search_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched(tmp_path, out="whole")
    trained, count = search.Trials.trained, iter(range(100))

    def killed(self, job, entry):
        if next(count) == 4:
            raise KeyboardInterrupt
        return trained(self, job, entry)

    with monkeypatch.context() as patch:
        patch.setattr(search.Trials, "trained", killed)
        with pytest.raises(KeyboardInterrupt):
            search.run(*searching(tmp_path, tmp_path / "broken"), workers=1)
    before = len(list((tmp_path / "broken" / "parts").iterdir()))
    searched(tmp_path, out="broken")
    assert before == 4 and bytes_of(tmp_path / "broken") == bytes_of(tmp_path / "whole")


def searching(root: Path, folder: Path) -> tuple[search.Search, Path]:
    folder.mkdir()
    recipe = read_search(root / "recipe.toml")
    return search.Search(recipe, search.Bench(recipe.protocol, root)), folder


def test_another_search_in_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    made, folder = searching(tmp_path, tmp_path / "out")
    search.opened(folder, made.recipe.key, made.recipe.plain(), made.draw)
    with pytest.raises(OutputError, match="another protocol"):
        searched(tmp_path, RECIPE.replace("trials = 3", "trials = 2"))


def test_a_cell_that_fails_is_the_worst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = search.Work.trained

    def failing(self, job, entry):
        if bad in entry.label:
            raise SettingsError("the loss is nan")
        return trained(self, job, entry)

    monkeypatch.setattr(search.Work, "trained", failing)
    bad = "identity 0;"
    searched(tmp_path)
    assert ",,0,the loss is nan\n" in (tmp_path / "out" / search.TABLE).read_text()
    bad = ""
    with pytest.raises(SettingsError, match="every cell failed, the first so: the loss is nan"):
        searched(tmp_path, out="other")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("trials = 3", "trails = 3", "Did you mean trials"),
        ("levels = 2", "levels = 9", r"\[search\] levels is 9"),
        ('"conv3"]', '"conv4"]', "no operation is called 'conv4'. Did you mean conv5 or conv3"),
        ("most_weights = 900", "most_weights = 9", "most_weights is 9, but a learner on the smallest cell has more"),
        ("validation = 4", "validation = 0", "no validation sites"),
        ("test = 3", "test = 3\nrepeats = 2", "2 splits, but a search has one"),
        ("shots = [2]\n", "shots = [2]\ncount = 9\n", r"\[tasks\] of a search has no key 'count'"),
        ("train = {", "# train = {", "isn't meta-trained"),
        ('encoder = "cell"\n', "", "encoder_settings but no encoder"),
        ("{ cells = 1 }", "{ width = 4 }", "sets encoder_settings.width, which the search is to find"),
        ('"cell"\nencoder_settings = { cells = 1 }', '"conv4"', "has the encoder 'conv4', but a search finds"),
        ('"protonet"', '"protonett"', "Did you mean protonet or"),
        ("[[learners]]", '[[learners]]\nname = "ridge"\n[[learners]]', "there are 2"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(HandfulError, match=message):
        searched(tmp_path, RECIPE.replace(old, new), "--dry-run")
    assert not (tmp_path / "out").exists()


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    assert "6 trainings of 2 steps" in searched(tmp_path, RECIPE, "--dry-run").stdout
    assert not (tmp_path / "out").exists()


def planted(level: int, tried: list[Candidate]) -> list[Candidate]:
    """A score that each separable convolution of 5 x 5 raises, the more on the block before."""
    gain = {cell: sum(s.operation == "separable5" for b in parsed(cell) for s in b) for cell in [c.cell for c in tried]}
    return [replace(found, score=gain[found.cell] / 10) for found in tried]


def test_a_search_grows_the_operation_that_is_good() -> None:
    fit = lambda cell: Candidate(cell, 8, len(cell))  # noqa: E731
    levels = list(progressive(list(OPERATIONS), 3, 12, 0, fit, planted))
    assert [len(found) for found in levels] == [12, 12, 12]
    best = best_of([found for level in levels for found in level])
    assert best.score >= 0.5  # in five or six of a cell's six places
    assert levels == list(progressive(list(OPERATIONS), 3, 12, 0, fit, planted))


def test_every_operation_is_tried_by_itself_first() -> None:
    cells = first_cells(list(OPERATIONS), 0)
    assert {cell[0] for cell in cells[: len(OPERATIONS)]} == {f"{name} 0" for name in OPERATIONS}
    assert len(set(cells)) == len(cells) == 8 + 36 == len(blocks(list(OPERATIONS), 0))
    larger = grown(cells[:2], list(OPERATIONS))
    assert len(larger) == 2 * (16 + 136) and all(written(parsed(cell)) == cell for cell in larger)


def test_a_guess_follows_what_is_known() -> None:
    cells = first_cells(["conv3", "max3"], 0)
    known = [Candidate(cell, 8, 1, score=0.9 if "conv3" in cell[0] else 0.3) for cell in cells]
    better, worse = guessed(known, [("conv3 0", "conv3 1"), ("max3 0", "max3 1")])
    assert better > worse


def test_a_guess_of_a_larger_cell_stays_where_scores_are() -> None:
    """Counts of operations promised 1.4 of an accuracy that is 1 at most."""
    scores = {"conv3": 0.87, "dilated3": 0.85, "separable3": 0.69, "max3": 0.05, "identity": 0.05}
    known = [Candidate((f"{name} 0",), 8, 1, score=score) for name, score in scores.items()]
    found = guessed(known, grown([("conv3 0",)], list(scores)))
    assert max(found) < 1 and min(found) > 0


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("search-*.toml")), ids=lambda path: path.name)
def test_the_recipes_of_the_benchmarks(path: Path) -> None:
    assert read_search(path).entry.name in ("first_order_maml", "protonet")


def test_a_recipe_needs_a_learner() -> None:
    with pytest.raises(SettingsError, match="there are 0"):
        search_of({"data": {"name": "made-up"}})
