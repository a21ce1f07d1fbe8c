"""Task lists: nested supports, hidden classes, checksums, and labels that no learner can reach."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_bench import registered, table_site, tables

from handful.bench.evaluate import encoded as evaluated
from handful.bench.judge import Encoded, encoded, judged
from handful.bench.posing import pose
from handful.bench.protocol import protocol_of
from handful.bench.run import Bench
from handful.bench.tasks import Drawn, TaskList, chunks, read_tasks
from handful.errors import DataError
from handful.learner import Predictor
from handful.learners import make
from handful.problem import Classes
from handful.region import Region
from handful.task import Examples, Task


def drawn(root: Path, kind: str = "tables", **changes: Any) -> TaskList:
    with registered(kind):
        return Bench(protocol_of(tables(**changes)), root).draw()


def test_the_same_list_for_the_same_seed_and_nested_supports(tmp_path: Path) -> None:
    first, again = drawn(tmp_path), drawn(tmp_path)
    assert first == again and first.checksum == again.checksum
    by = {(task.name, task.draw, task.shots): task for task in first.tasks}
    for (name, draw, shots), task in by.items():
        if shots == 1:
            assert set(task.support) < set(by[name, draw, 3].support)
            assert len(task.support) == 3 and not set(task.support) & set(task.apart)
    assert drawn(tmp_path, tasks={"shots": [1], "seed": 5}).checksum != first.checksum


def test_a_list_is_read_again_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    tasks = drawn(tmp_path)
    tasks.write(tmp_path / "tasks.json")
    assert read_tasks(tmp_path / "tasks.json") == tasks
    told = json.loads((tmp_path / "tasks.json").read_text())
    told["tasks"][0]["support"][0] += 1
    (tmp_path / "tasks.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match="isn't as it was written"):
        read_tasks(tmp_path / "tasks.json")
    (tmp_path / "tasks.json").write_text("{}")
    with pytest.raises(DataError, match="no list of tasks"):
        read_tasks(tmp_path / "tasks.json")


def test_support_and_query_never_meet(tmp_path: Path) -> None:
    for changes in ({}, {"tasks": {"shots": [1, 3], "queries": 4, "guard_m": 50}}):
        for task in drawn(tmp_path, **changes).tasks:
            posed, key = pose(table_site(task.name).examples, task, True)
            assert len(key.targets) and (task.query is None or not set(task.query) & set(task.support))
            seen = {tuple(row.tolist()) for row in posed.support.inputs}
            assert not seen & {tuple(row.tolist()) for row in posed.inputs}


def test_a_guard_keeps_its_distance(tmp_path: Path) -> None:
    for task in drawn(tmp_path, tasks={"shots": [1], "queries": 5, "guard_m": 100}).tasks:
        metres = table_site(task.name).metres
        assert metres is not None
        gaps = np.linalg.norm(metres[list(task.query)][:, None] - metres[list(task.support)][None], axis=2)  # type: ignore[arg-type]
        assert gaps.min() > 100


def test_the_first_labels_are_the_support_where_the_order_says_so(tmp_path: Path) -> None:
    found = drawn(tmp_path, "quantity", tasks={"shots": [1, 3], "order": "first"})
    assert {task.support for task in found.tasks} == {(0,), (0, 1, 2)} and {task.draw for task in found.tasks} == {0}


def test_hidden_classes_have_no_names_and_another_order_in_each_task(tmp_path: Path) -> None:
    found = drawn(tmp_path)
    assert len({task.classes for task in found.tasks}) > 2
    task = found.tasks[0]
    posed, key = pose(table_site(task.name).examples, task, True)
    assert posed.support.problem == Classes(("class 1", "class 2", "class 3"))
    own = table_site(task.name).examples.targets[torch.tensor(task.support)]
    assert [task.classes[i] for i in posed.support.targets.tolist()] == own.tolist()


def test_shared_classes_keep_names_and_order(tmp_path: Path) -> None:
    found = drawn(tmp_path, data={"name": "made-up", "test": 0.7, "classes": "shared"})
    posed, _ = pose(table_site("a0").examples, found.tasks[0], False)
    assert {task.classes for task in found.tasks} == {(0, 1, 2)}
    assert posed.support.problem.names == ("water", "forest", "town")


def test_tasks_of_images_join_classes_and_are_the_same_at_every_number_of_shots(tmp_path: Path) -> None:
    found = drawn(tmp_path, "images", tasks={"shots": [1, 5], "ways": 3, "count": 7, "queries": 4})
    assert len(found.tasks) == 14 and all(len(task.regions) == 3 == len(set(task.regions)) for task in found.tasks)
    assert found.tasks[0].query == found.tasks[1].query and len(found.tasks[0].query or ()) == 12
    with pytest.raises(DataError, match="classes have images enough"):
        drawn(tmp_path, "images", tasks={"shots": [12], "ways": 3, "count": 7})


def test_a_number_of_shots_that_no_site_has_is_said(tmp_path: Path) -> None:
    found = drawn(tmp_path, tasks={"shots": [1, 30], "draws": 1})
    assert {task.shots for task in found.tasks} == {1} and "too few labels for 30 shots" in found.notes[0]
    with pytest.raises(DataError, match="labels enough"):
        drawn(tmp_path, tasks={"shots": [30], "draws": 1})


def test_chunks_hold_whole_sites_and_every_task_once(tmp_path: Path) -> None:
    tasks = drawn(tmp_path).tasks
    ranges = list(chunks(tasks, 5))
    assert [i for start, end in ranges for i in range(start, end)] == list(range(len(tasks)))
    for start, end in ranges:
        assert not {t.regions for t in tasks[start:end]} & {t.regions for t in tasks[end:]}


def reachable(start: object) -> list[object]:
    """Everything that can be reached from an object, through whatever holds it together."""
    seen, found, waiting = set(), [], [start]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or type(one).__name__ in ("module", "function"):
            continue
        seen.add(id(one))
        found.append(one)
        waiting += gc.get_referents(one)
        if isinstance(one, torch.Tensor) and one._base is not None:
            waiting.append(one._base)
    return found


def map_region(also: bool = False) -> Region:
    targets = torch.randint(0, 3, (1, 9, 9), generator=torch.Generator().manual_seed(0))
    inputs = {"bands": torch.rand(1, 4, 9, 9), **({"also.age": 7000.0 + targets} if also else {})}
    return Region("m", Examples(inputs if also else inputs["bands"], targets, Classes(("a", "b", "c"))))


@pytest.mark.parametrize("moves", [True, False])
def test_no_further_target_reaches_a_learner_that_is_judged(moves: bool) -> None:
    """They may be made of what is asked about."""
    region = map_region(also=True)
    shape = {"bands": 4, "width": 6, "blocks": 1, "windows": (3,)}
    learner = make("maml" if moves else "ridge", encoder="dense", encoder_settings=shape, outputs=3)
    for seen in (encoded(learner, region.examples).examples, evaluated(learner, region).examples):
        held = [one for one in reachable(seen) if isinstance(one, torch.Tensor) and one.is_floating_point()]
        assert held and all(float(one.max()) < 7000 for one in held)


@pytest.mark.parametrize("region", [table_site("a0"), map_region()], ids=["rows", "one map, shared"])
@pytest.mark.parametrize("once", [True, False])
def test_a_learner_that_peeks_finds_no_label_of_the_query(region: Region, once: bool) -> None:
    flat = region.examples.targets.flatten()
    support = tuple(int((flat == c).nonzero()[0]) for c in range(3))
    task = Drawn(0, region.name, "u", (region.name,), (2, 0, 1), 1, 0, support)
    learner, found = make("ridge", encoder="plain", outputs=3), []

    def peek(support: Examples) -> Predictor:
        found.extend(reachable(support))
        return type(learner).adapt(learner, support)

    object.__setattr__(learner, "adapt", peek)
    judged(learner, encoded(learner, region.examples) if once else Encoded(region.examples, None, 0.0), task, True)
    labels = [one for one in found if isinstance(one, torch.Tensor) and not one.is_floating_point()]
    assert labels and not any(isinstance(one, (Task, Region)) for one in found)
    for tensor in labels:
        known = tensor[tensor >= 0] if tensor.dtype == torch.long else tensor[:0]
        assert len(known) <= 3, "a tensor holds more labels than the support has"
        held = tensor.untyped_storage().nbytes() // tensor.element_size()
        assert held == tensor.numel(), "a tensor is a view of more labels"
