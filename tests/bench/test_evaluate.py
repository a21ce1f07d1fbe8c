"""The protocol of `handful evaluate`: which sites count, what is scored, and the exact form of the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_forest import make_sites

from handful.bench.evaluate import SPARE, Protocol, encoded, evaluate, score_region, summary
from handful.checkpoint import save
from handful.data import find_data
from handful.errors import CheckpointError, DataError, SettingsError
from handful.learners import make

DATA = find_data("forest-damage")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sites(tmp_path_factory.mktemp("forest"), 6)


def protocol(root: Path, learner: str = "nearest_mean", **changes: object) -> Protocol:
    return replace(Protocol(learner, "forest-damage", str(root), (1, 5)), **changes)


def test_the_form_of_the_result(root: Path) -> None:
    found = evaluate(protocol(root, draws=5))
    assert list(found) == ["data", "checkpoint", "sites", "shots", "rows"]
    assert found["data"] == "forest-damage" and found["checkpoint"] == "nearest_mean" and found["sites"] == 6
    assert list(found["shots"]) == ["1", "5"] and found["shots"]["5"]["sites"] == 6
    for score in found["shots"].values():
        assert list(score) == ["balanced_accuracy", "low", "high", "sites"]
        assert score["low"] <= score["balanced_accuracy"] <= score["high"]
    assert len(found["rows"]) == 6 * 2 * 5
    assert list(found["rows"][0]) == ["site", "shots", "draw", "balanced_accuracy"]
    assert {row["draw"] for row in found["rows"]} == {0, 1, 2, 3, 4}


def test_the_mean_is_over_draws_and_then_over_sites(root: Path) -> None:
    found = evaluate(protocol(root, draws=3))
    of_site: dict[str, list[float]] = {}
    for row in found["rows"]:
        if row["shots"] == 1:
            of_site.setdefault(row["site"], []).append(row["balanced_accuracy"])
    mean = np.mean([np.mean(scores) for scores in of_site.values()])
    assert found["shots"]["1"]["balanced_accuracy"] == pytest.approx(mean)


def test_the_same_rows_whatever_the_number_of_workers(root: Path) -> None:
    assert evaluate(protocol(root, draws=2), workers=2) == evaluate(protocol(root, draws=2), workers=1)


def test_a_table_of_features_takes_the_draws_of_the_images(root: Path) -> None:
    region = DATA.regions(root, ["100"], {})[0]
    learner = make("nearest_mean", encoder="plain")
    for draw in range(3):
        whole = region.task(2, draw)
        answers = learner.adapt(whole.support).predict(whole.query.inputs)
        known = whole.query.targets >= 0
        right = [float((answers == c)[known & (whole.query.targets == c)].float().mean()) for c in (0, 1)]
        row = score_region(learner, region, [2], [draw])[0]
        assert row.balanced_accuracy == pytest.approx(np.mean(right), abs=1e-6)


def test_only_labelled_rows_are_kept(root: Path) -> None:
    region = DATA.regions(root, ["100"], {})[0]
    targets = region.examples.targets.clone()
    targets[0, :5] = -100
    region = replace(region, examples=replace(region.examples, targets=targets))
    table = encoded(make("nearest_mean", encoder="plain"), region).examples
    assert torch.equal(table.targets, targets[targets >= 0]) and len(table.inputs["features"]) == len(table.targets)


def test_a_site_counts_where_each_class_has_twenty_labels_more_than_shots(root: Path) -> None:
    region = DATA.regions(root, ["100"], {})[0]
    fewest = int(region.examples.counts().min())
    learner = make("nearest_mean", encoder="plain")
    assert score_region(learner, region, [fewest - SPARE], [0])
    assert not score_region(learner, region, [fewest - SPARE + 1], [0])


def test_no_site_with_labels_enough_is_null() -> None:
    found = summary(Protocol("ridge", "forest-damage", "."), [], 3)
    assert found["shots"]["20"] == {"balanced_accuracy": None, "low": None, "high": None, "sites": 0}


def test_sites_that_were_seen_are_skipped_and_told(root: Path, tmp_path: Path) -> None:
    save(make("nearest_mean"), "nearest_mean", tmp_path, trained=["100", "elsewhere"], validated=["103"])
    told: list[str] = []
    found = evaluate(protocol(root, str(tmp_path), draws=1), tell=told.append)
    assert {row["site"] for row in found["rows"]} == {"101", "102", "104", "105"}
    assert found["sites"] == 4 and "skipped 2 sites" in told[0]
    assert found["shots"]["1"]["low"] is None  # four sites are too few for an interval


def test_nothing_left_to_score(root: Path, tmp_path: Path) -> None:
    save(make("nearest_mean"), "nearest_mean", tmp_path, trained=[str(100 + k) for k in range(6)])
    with pytest.raises(DataError, match="give it others"):
        evaluate(protocol(root, str(tmp_path)))


def test_other_bands_are_refused(root: Path, tmp_path: Path) -> None:
    save(make("nearest_mean"), "nearest_mean", tmp_path, bands=["red", "nir"])
    with pytest.raises(CheckpointError, match="red, nir"):
        evaluate(protocol(root, str(tmp_path)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learner": "random_forrest"}, "Did you mean random_forest"),
        ({"data": "forest"}, "forest-damage"),
        ({"encoder": "contxt"}, "context"),
    ],
)
def test_misspelt_names(root: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        evaluate(protocol(root, **changes))


@pytest.mark.parametrize("name", ["random_forest", "logistic", "protonet", "ridge", "scratch"])
def test_learners_by_name(root: Path, name: str) -> None:
    sites = protocol(root, name, draws=1, shots=(5,))
    found = score_region(sites.load(sites.data_set())[0], DATA.regions(root, ["100"], {})[0], sites.shots, [0])
    assert len(found) == 1 and 0 <= found[0].balanced_accuracy <= 1
