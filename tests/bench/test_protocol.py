"""Protocols: every key is checked, and the tables must fit each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_bench import FORMS, registered, stand_in, tables

from handful.bench.folds import Fold, drawn_folds, official, one_out
from handful.bench.protocol import ONE_OUT, Protocol, protocol_of, read_protocol
from handful.bench.run import Bench, run
from handful.bench.tables import write_tables
from handful.data import DATASETS
from handful.errors import SettingsError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PROTOCOLS = sorted(path.stem for path in BENCHMARKS.glob("bench-*.toml"))
SLOW = [pytest.param(stem, marks=pytest.mark.slow if stem.endswith("-all") else ()) for stem in PROTOCOLS]
GROUPS = {f"{group}{k}": group for group in "abcdefgh" for k in range(3)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"datas": {}}, "no key 'datas'. Did you mean data"),
        ({"data": {"name": "made-up", "clases": "hidden"}}, "Did you mean classes"),
        ({"data": {"name": "made-up", "classes": "open"}}, r"\[data\] classes is 'open'"),
        ({"data": {"name": "made-upp"}}, "Did you mean made-up"),
        ({"tasks": {"shot": [1]}}, "Did you mean shots"),
        ({"tasks": {"shots": [0]}}, r"\[tasks\] shots"),
        ({"tasks": 3}, "must be a table"),
        ({"learners": [{"name": "rigde"}]}, "Did you mean ridge"),
        ({"learners": [{"label": "x"}]}, "has no name"),
        ({"learners": [{"name": "ridge", "penalti": 1}]}, "penalty"),
        ({"learners": [{"name": "ridge", "encoder_settings": {"width": 8}}]}, "encoder_settings but no encoder"),
        ({"learners": [{"name": "ridge", "train": {"step": 3}}]}, "Did you mean steps"),
        ({"learners": [{"name": "ridge", "train": {"seed": 3}}]}, r"\[tasks\] seeds"),
        ({"learners": [{"name": "ridge", "tune": {"penalti": [1.0]}}]}, "penalty"),
        ({"learners": [{"name": "ridge", "tune": {"penalty": 1.0}}]}, "list of values"),
        ({"learners": [{"name": "ridge", "tune": {"train.steps": [1]}}]}, "no table train"),
        ({"learners": [{"name": "ridge", "tune": {"penalty": [1.0, 2.0]}}]}, "2 combinations .* budget is 8"),
        ({"learners": [{"name": "ridge"}, {"name": "ridge"}]}, "two learners are called 'ridge'"),
        ({"learners": []}, "nothing to compare"),
        ({"learners": [{"name": "pooled"}]}, "keeps rows of the train sites: add train = {}"),
        ({"rivals": 3}, "rivals is 3"),
        ({"report": {"score": "acuracy"}}, "Did you mean accuracy or auc"),
    ],
)
def test_what_is_wrong_is_named(changes: dict, message: str) -> None:
    with registered("tables"), pytest.raises(SettingsError, match=message):
        protocol_of(tables(**changes))


def test_an_equal_number_of_trials_the_same_for_the_same_seed() -> None:
    with registered("tables"):
        learner = {"name": "ridge", "tune": {"penalty": [0.1, 1.0, 10.0], "encoder_settings.width": [4, 8]}}
        entry = protocol_of(tables(learners=[{**learner, "encoder": "dense"}], tune={"trials": 4})).learners[0]
    first, again = entry.trials(4, 0), entry.trials(4, 0)
    assert first == again and len({str(trial.settings) for trial in first}) == 4
    assert all(trial.settings["encoder_settings"]["width"] in (4, 8) for trial in first)


def test_groups_never_part() -> None:
    for fold in [*drawn_folds(GROUPS, 0.3, 0.2, 3, 0), *one_out(GROUPS, 0.2, 0)]:
        parts = [{GROUPS[site] for site in part} for part in (fold.train, fold.validation, fold.test)]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
        assert sorted([*fold.train, *fold.validation, *fold.test]) == sorted(GROUPS)


def test_leave_one_group_out_tests_on_each_once() -> None:
    assert [fold.test for fold in one_out(GROUPS, 0.1, 0)] == [tuple(f"{g}{k}" for k in range(3)) for g in "abcdefgh"]


def test_a_number_of_classes_is_held_out_exactly() -> None:
    fold = drawn_folds({f"c{k}": "" for k in range(21)}, 6, 5, 1, 0)[0]
    assert (len(fold.train), len(fold.validation), len(fold.test)) == (10, 5, 6)


def test_a_site_in_two_parts_is_refused() -> None:
    with pytest.raises(SettingsError, match="'a' is in two parts of the split, train and test"):
        Fold("", ("a", "b"), (), ("a",))
    with pytest.raises(SettingsError, match="group 'a' is in two parts"):
        drawn_folds(GROUPS, ("a",), ("a",), 1, 0)


def test_an_official_split_without_a_part_for_choosing_gets_one() -> None:
    parts = {site: "test" if group == "a" else "train" for site, group in GROUPS.items()}
    fold = official(GROUPS, parts, 0.2, 0)[0]
    assert fold.test == ("a0", "a1", "a2") and fold.validation and not set(fold.validation) & set(fold.train)


def test_each_data_set_to_be_measured_has_a_protocol() -> None:
    assert {read_protocol(BENCHMARKS / f"{stem}.toml").data.name for stem in PROTOCOLS} == set(FORMS)


@pytest.mark.parametrize("stem", SLOW)
def test_the_protocols_of_the_benchmarks(stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = quick(read_protocol(BENCHMARKS / f"{stem}.toml"))
    name = protocol.data.name
    sites = 21 if FORMS[name][0] == "classes" else 3 if protocol.data.split == ONE_OUT else 8
    monkeypatch.setitem(DATASETS, name, stand_in(DATASETS[name], sites))
    for other in {other for entry in protocol.learners for other in entry.sets}:
        monkeypatch.setitem(DATASETS, other, replace(stand_in(DATASETS["ucmerced"], 6), name=other))
    setup, tasks, _ = run(Bench(protocol, tmp_path), tmp_path, workers=1)
    frame = write_tables(tmp_path, setup, tasks)
    assert set(frame["learner"]) >= {entry.label for entry in protocol.learners if entry.listed}
    assert sorted(frame["shots"].unique()) == list(protocol.tasks.shots)
    assert frame[setup.score].notna().all() and any(entry.rival for entry in setup.entries) == protocol.rivals


def small_net(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with a narrow net for tiny images, where it is one of images of a side."""
    inner = {key: value for key, value in settings.get("encoder_settings", {}).items() if key != "bfloat16"}
    if "side" not in inner:
        return settings
    return {**settings, "encoder_settings": {**inner, "width": 4, "side": 16}}


def quick(protocol: Protocol) -> Protocol:
    """The protocol with the budgets of a test: every table of it stays, no number of its trainings does."""
    short = {"steps": 2, "validate_every": 1, "queries": 4, "tasks_per_step": 1}
    learners = tuple(
        replace(entry, train=entry.train and {**entry.train, **short}, settings=small_net(entry.settings))
        for entry in protocol.learners
    )
    few = {"count": min(protocol.tasks.count, 2), "ways": min(protocol.tasks.ways, 5)}
    tasks = replace(protocol.tasks, draws=1, seeds=1, **few)
    tune, test = replace(protocol.tune, trials=1), protocol.data.test
    data = replace(protocol.data, repeats=1, test=0.5 if isinstance(test, tuple) else test)  # groups are others here
    return replace(protocol, data=data, tasks=tasks, learners=learners, tune=tune)
