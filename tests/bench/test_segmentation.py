"""Few-shot segmentation end to end: pictures with masks, whole pictures as labels, and the scores of the papers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import write_picture

from handful.bench.posing import joined, pose
from handful.bench.scores import mask_scores
from handful.bench.tasks import read_tasks
from handful.cli.run import run
from handful.data import find_data

SIDE, KINDS = 12, 10
PROTOCOL = """
rivals = false
[data]
name = "fss-1000"
test = 4
validation = 2
[tasks]
shots = [{shots}]
ways = {ways}
count = 6
[report]
examples = 1
[[learners]]
name = "panet"
encoder = "dense"
encoder_settings = {{ width = 8, blocks = 1, windows = [] }}
train = {{ steps = 4, tasks_per_step = 1, step_size = 1e-3, validate_every = 4, shots = [1, 2], queries = 2 }}
[[learners]]
name = "several_prototypes"
encoder = "plain"
[[learners]]
name = "fine_tune"
moves = "head."
steps = 5
encoder = "dense"
encoder_settings = {{ width = 8, blocks = 1, windows = [] }}
train = {{ steps = 2, tasks_per_step = 1, step_size = 1e-3, validate_every = 2, shots = [1, 1], queries = 1 }}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kinds of a colour of their own, a square of it on grey; one picture of one kind has a mask of another size."""
    found, rng = tmp_path_factory.mktemp("fss"), np.random.default_rng(0)
    for kind in range(KINDS):
        colour = np.array([kind % 2, kind // 2 % 2, kind // 4 % 3 / 2]) * 200 + 40
        for number in range(1, 11):
            picture, mask = np.full((SIDE, SIDE, 3), 128.0), np.zeros((SIDE, SIDE), np.uint8)
            top, left = rng.integers(0, SIDE - 5, 2)
            mask[top : top + 5, left : left + 5] = 255
            picture[mask > 0] = colour
            picture += rng.normal(0, 5, picture.shape)
            write_picture(found / f"kind_{kind}" / f"{number}.jpg", picture.clip(0, 255).astype(np.uint8))
            write_picture(found / f"kind_{kind}" / f"{number}.png", mask if (kind, number) != (3, 8) else mask[:4])
    return found


def bench(root: Path, folder: Path, shots: int, ways: int) -> tuple[list[dict[str, str]], dict]:
    protocol = folder / f"{ways}.toml"
    protocol.write_text(PROTOCOL.format(shots=shots, ways=ways))
    out = folder / f"out{ways}"
    assert run(["bench", str(protocol), "--root", str(root), "-o", str(out), "--workers", "1", "--quiet"]) == 0
    with open(out / "scores.csv", newline="") as file:
        return list(csv.DictReader(file)), json.loads((out / "bench.json").read_text())


@pytest.mark.parametrize("shots, ways", [(1, 1), (2, 2)])
def test_pictures_are_segmented_after_pictures(root: Path, tmp_path: Path, shots: int, ways: int) -> None:
    rows, record = bench(root, tmp_path, shots, ways)
    assert record["score"] == "foreground_iou" and {row["shots"] for row in rows} == {str(shots)}
    colours = [float(row["foreground_iou"]) for row in rows if row["learner"] == "several_prototypes"]
    assert len(colours) == 6 and np.mean(colours) > 0.4  # some colours lie in nearly one direction
    assert all(0 <= float(row[name]) <= 1 for row in rows for name in ("foreground_iou", "binary_iou", "miou"))
    told = (tmp_path / f"out{ways}" / "classes.csv").read_text()
    assert "background" in told and "kind_" in told
    tasks = read_tasks(tmp_path / f"out{ways}" / "tasks.json").tasks
    assert all(len(t.support) == shots * ways and len(t.query or ()) == ways for t in tasks)
    assert all(set(t.support).isdisjoint(t.query or ()) and len(t.regions) == ways for t in tasks)


def test_a_support_of_two_kinds_keeps_the_background_and_hides_the_query(root: Path) -> None:
    data = find_data("fss-1000")
    regions = data.regions(root, ["kind_1", "kind_2"], {})
    whole = joined(regions)
    assert whole.problem.means == ("background", "kind_1", "kind_2") and len(whole) == 20
    from handful.bench.tasks import Drawn

    task = Drawn(0, "0000", "0000", ("kind_1", "kind_2"), (0, 1, 2), 1, 0, (0, 11), (3, 15))
    posed, key = pose(whole, task, True, whole=True)
    assert [sorted(set(m.flatten().tolist())) for m in posed.support.targets] == [[0, 1], [0, 2]]
    assert posed.support.problem.outputs == 3 and "kind" not in "".join(posed.support.problem.means)
    assert torch.equal(posed.inputs, whole.inputs[[3, 15]]) and len(key.targets) == 2 * SIDE * SIDE
    assert key.targets.untyped_storage().data_ptr() != whole.targets.untyped_storage().data_ptr()


def test_the_scores_are_the_papers() -> None:
    targets = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    said = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    found = mask_scores(targets, np.eye(3)[said])
    assert found["foreground_iou"] == pytest.approx((1 / 3 + 2 / 3) / 2)
    assert found["binary_iou"] == pytest.approx((3 / 4 + 4 / 5) / 2)
    nothing = mask_scores(np.zeros(3, int), np.eye(2)[[0, 0, 0]])
    assert np.isnan(nothing["foreground_iou"]) and nothing["binary_iou"] == 1
