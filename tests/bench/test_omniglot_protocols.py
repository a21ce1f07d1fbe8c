"""The protocols of Omniglot's published figures: each parses, and each of its learners learns."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_omniglot import stand_in

from handful.bench.entries import Entry, Frame
from handful.bench.learning import School
from handful.bench.protocol import read_protocol
from handful.bench.sources import Source
from handful.data import DATASETS
from handful.meta_train import Run

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PROTOCOLS = sorted(path.stem for path in (BENCHMARKS / "omniglot").glob("*.toml"))
CHARACTERS = 62  # two more than ProtoNet's 60 ways


def narrow(entry: Entry, **train: Any) -> Entry:
    inner = {**entry.settings["encoder_settings"], "width": 4}
    return replace(
        entry,
        settings={**entry.settings, "encoder_settings": inner},
        train={**(entry.train or {}), "tasks_per_step": 1, **train},
    )


@pytest.mark.parametrize("stem", PROTOCOLS)
def test_every_learner_takes_a_step(stem: str) -> None:
    protocol = read_protocol(BENCHMARKS / "omniglot" / f"{stem}.toml")
    data = stand_in(protocol.data.name, CHARACTERS)
    source = Source(data, Path(), tuple(data.sites(Path())))
    school = School((source,), True, True, protocol.tasks.ways, None, "")
    for entry in map(narrow, protocol.learners):
        learner = entry.make(Frame("images", 1, protocol.tasks.ways, base=CHARACTERS))
        before = {name: w.detach().clone() for name, w in learner.net.named_parameters()}
        training, sampling = entry.training
        tasks = school.tasks(school.usable(sampling), sampling, 1, 0, 0)
        loss = Run.of(learner, training).advance(tasks, training)
        assert math.isfinite(loss) and any(not torch.equal(w, before[n]) for n, w in learner.net.named_parameters())


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """benchmarks/omniglot.py on made-up characters, writing into a folder of the test's."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import omniglot

    for name in ("BUILD", "RESULTS", "CURVES"):
        monkeypatch.setattr(omniglot, name, tmp_path / name.lower())
    monkeypatch.setattr(omniglot, "data", lambda name: tmp_path)
    monkeypatch.setitem(DATASETS, "omniglot-rotations", stand_in("omniglot-rotations", 18))
    return omniglot


def quick(part: Any) -> Any:
    """A training of a few steps on tasks of five ways."""
    learner = dict(part.tables["learners"][0])
    learner["encoder_settings"] = {**learner["encoder_settings"], "width": 4}
    learner["train"] = {**learner["train"], "steps": 2, "validate_every": 1, "ways": 5}
    learner["label"] = "5-way 1-shot"
    return replace(part, tables={**part.tables, "learners": [learner], "tasks": {"queries": 3, "count": 3}})


def test_a_training_is_measured_once_it_has_begun_and_anew_as_it_goes_on(script: Any) -> None:
    part = quick(script.parts("protonet")[0])
    script.run(part, 1, 0.0, 600)
    assert not (part.folder / "scores-0.json").exists()
    script.run(part, 1, math.inf, 2)
    found = json.loads((part.folder / "scores-0.json").read_text())
    assert (found["steps"], found["episodes"], found["share"]) == (2, 2, 1.0)
    accuracy = found["accuracy"]["5-way 1-shot"]
    assert list(accuracy) == list(script.COLUMNS) and all(len(values) == 2 for values in accuracy.values())
    for _ in range(2):
        script.keep_measured(part, 1)
    (kept,), curve = (script.rows_of(path) for path in (script.RESULTS, script.CURVES))
    mean = 100 * sum(accuracy["inductive"]) / 2
    assert float(kept["inductive"]) == pytest.approx(mean, abs=0.051) and kept["method"] == "protonet"
    assert [kept[name] for name in ("tasks", "episodes", "share", "seeds")] == ["2", "2", "1.000000", "1"]
    assert [point["episodes"] for point in curve] == ["1", "2"]


def test_the_page_is_what_is_kept(script: Any) -> None:
    import omniglot_page

    assert omniglot_page.whole_table() in (BENCHMARKS / "omniglot.md").read_text(encoding="utf-8")


def test_the_questions_of_one_class_are_of_one_class(script: Any) -> None:
    part = quick(script.parts("protonet")[0])
    for number, task in enumerate(script.Bench(part.protocol(5), Path()).draw().tasks):
        asked = script.of_one_class(task, number).query
        assert {row // 20 for row in asked} == {number % 5} and len(asked) == 3


def test_each_protocol_has_a_row_and_is_for_tasks_of_the_table(script: Any) -> None:
    assert sorted(script.PUBLISHED) == PROTOCOLS
    parts = [part for method in PROTOCOLS for part in script.parts(method)]
    for part in parts:
        ways, shots = part.tables["learners"][0]["train"]["ways"], part.tables["learners"][0]["train"]["shots"]
        assert len(part.ways) == 2 or list(part.ways) == [ways]
        assert len(part.shots) == 2 or [*part.shots, *part.shots] == shots


@pytest.mark.parametrize("method", ["maml", "maml_plus_plus"])
def test_by_the_statistics_of_the_support_a_query_is_answered_as_alone(script: Any, method: str) -> None:
    """And the learner is left as it was."""
    part = quick(script.parts(method)[0])
    work = script.work_of(part, 5, script.data("omniglot"))
    learner, _ = script.trained(part, work, 0, math.inf)
    task = script.Bench(part.protocol(5), script.data("omniglot")).draw().tasks[0]
    together = script.with_statistics(learner, own=True)
    whole = script.by_support(together, work, task)
    alone = [script.by_support(together, work, replace(task, query=(row,))) for row in task.query]
    assert sum(alone) / len(alone) == pytest.approx(whole)
    assert all(part.own_statistics for part in together.net.modules() if isinstance(part, script.BatchNorm))
    assert script.by_support(together, work, task) == whole
