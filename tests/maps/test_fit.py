"""Fitting on a scene: what is recorded, what is thinned, what class shares do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scenes

from handful.maps.fit import Choices, fit_map, thinned
from handful.maps.labels import Labels, read_labels
from handful.maps.scene import Scene
from handful.problem import Classes, Quantity


@pytest.fixture(scope="module")
def opened(scene_path: Path) -> Scene:
    return Scene.open([scene_path])


def read(opened: Scene, labels_path: Path, **columns: str) -> Labels:
    return read_labels(labels_path, opened.grid, **(columns or {"class_column": "class"}))


def many(counts: tuple[int, ...]) -> Labels:
    targets = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(targets))
    return Labels("labels", places, places, targets, places, Classes(tuple("abcdef"[: len(counts)])))


def test_thinning_keeps_rare_classes_whole() -> None:
    kept = thinned(many((500, 40, 3)), 0, 100)
    assert np.bincount(kept.targets).tolist() == [57, 40, 3]
    assert np.array_equal(kept.rows, thinned(many((500, 40, 3)), 0, 100).rows)
    assert not np.array_equal(kept.rows, thinned(many((500, 40, 3)), 1, 100).rows)
    assert "beyond" in kept.notes[-1] and len(thinned(many((5, 5)), 0, 10)) == 10


def test_what_is_recorded_of_classes(opened: Scene, labels_path: Path) -> None:
    fitted = fit_map(opened, read(opened, labels_path), Choices("logistic"))
    record = fitted.record
    assert record["chosen"]["name"] == "logistic" and fitted.labels.problem.names == tuple(scenes.CLASSES)
    assert {c["role"] for c in record["candidates"]} == {"candidate", "rival"}
    assert np.sum(record["confusion"]) <= len(fitted.labels) and set(record["validation"]) <= {
        "matched",
        "block",
        "random",
    }
    assert all(0 <= v["low"] <= v["balanced_accuracy"] <= v["high"] <= 1 for v in record["validation"].values())


def test_class_shares_of_the_labels(opened: Scene, labels_path: Path) -> None:
    labels = read(opened, labels_path)
    labels = labels.keep(np.arange(len(labels)) % 8 < np.array([8, 8, 4, 2])[labels.targets])
    fitted = fit_map(opened, labels, Choices("logistic", prior="labels"))
    wanted = np.bincount(fitted.labels.targets) / len(fitted.labels)
    np.testing.assert_allclose(fitted.model.judge.prior, wanted)
    estimated = fit_map(opened, labels, Choices("logistic", prior="estimated")).model.judge.prior
    assert estimated.sum() == pytest.approx(1) and (estimated > 0).all()


def test_a_quantity(opened: Scene, labels_path: Path) -> None:
    labels = read(opened, labels_path, target_column="cover")
    fitted = fit_map(opened, labels, Choices("ridge"))
    assert isinstance(fitted.model.problem, Quantity) and fitted.record["confusion"] == []
    scores = {c["name"]: c["rmse"] for c in fitted.record["candidates"]}
    assert scores["ridge"] < np.std(labels.targets)
    observed, predicted = fitted.record["observed"]
    assert len(observed) == len(predicted)
