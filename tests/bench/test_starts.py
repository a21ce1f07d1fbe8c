"""Learners that are trained on other data sets, and learners that start from each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result
from small_bench import image_class, registered, tables

from handful.bench.protocol import protocol_of
from handful.bench.run import Bench, stages
from handful.bench.sources import roots_of
from handful.bench.work import Work
from handful.cli.bench import command
from handful.data import DATASETS
from handful.errors import DataError, SettingsError

TRAIN = {"steps": 2, "shots": [1, 2], "queries": 3, "validate_every": 1}
CONV = {"encoder": "conv4", "encoder_settings": {"width": 4}}
NET = {"name": "protonet", "label": "net", **CONV, "train": TRAIN}
PROTOCOL = """
rivals = false
[data]
name = "made-up"
test = 5
validation = 3
[tasks]
shots = [1, 2]
ways = 3
count = 4
queries = 4
seeds = 2
[tune]
trials = 2
count = 2
[[learners]]
name = "protonet"
label = "net of the sky"
listed = false
encoder = "conv4"
tune = { "encoder_settings.width" = [3, 5] }
train = { data = ["sky"], steps = 2, shots = [1, 2], queries = 3, validate_every = 1 }
[[learners]]
name = "linear_probe"
label = "probe"
steps = 2
start = "net of the sky"
[[learners]]
name = "protonet"
label = "further"
start = "net of the sky"
train = { steps = 1, shots = [1, 2], queries = 3 }
"""


@contextmanager
def sky(kind: str = "images", **changes: object) -> Iterator[None]:
    """A second data set of classes of images, 'sky', which lies in a folder called so; larger images than the first."""

    def read(root: Path, site: str, group: str):
        region = image_class(site, 6)
        inputs = region.examples.inputs.repeat(1, 1, 2, 2)
        return replace(region, examples=replace(region.examples, inputs=inputs))

    with registered(kind):
        found = replace(
            DATASETS["made-up"],
            name="sky",
            sites=lambda root: (
                dict.fromkeys(("cirrus", "cumulus", "nimbus", "stratus"), "") if root.name == "sky" else {}
            ),
            read=read,
            site_is="class",
        )
        DATASETS["sky"] = replace(found, **changes)
        try:
            yield
        finally:
            del DATASETS["sky"]


def bench(folder: Path, *more: str) -> Result:
    (folder / "sky").mkdir(exist_ok=True)
    (folder / "protocol.toml").write_text(PROTOCOL)
    words = [str(folder / "protocol.toml"), "--root", str(folder), "-o", str(folder / "out"), "--workers", "1", *more]
    return CliRunner().invoke(command, words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"data": ["made-up"]}, "names 'made-up', whose sites are tested on: leave data out"),
        ({"data": ["skyy"]}, "Did you mean sky"),
        ({"data": ["forest-damage"]}, "only sets whose sites are classes of images"),
        ({"data": "sky"}, r"train.data is 'sky': give names"),
        ({"data": []}, r"train.data is \[\]: give names"),
        ({"data": ["sky", "sky"]}, "each once"),
    ],
)
def test_data_that_cannot_be_trained_on(train: dict, message: str) -> None:
    with sky(), pytest.raises(SettingsError, match=message):
        protocol_of(tables(learners=[{**NET, "train": {**TRAIN, **train}}]))


def test_the_same_images_under_another_name_are_refused() -> None:
    learner = {**NET, "train": {**TRAIN, "data": ["omniglot"]}}
    with pytest.raises(SettingsError, match="made of the same images as 'omniglot-rotations'"):
        protocol_of(tables(data={"name": "omniglot-rotations"}, learners=[learner]))


def test_another_number_of_bands_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    learner = {**NET, "train": {**TRAIN, "data": ["sky"]}}
    with sky(), pytest.raises(DataError, match="holds no site of the data set 'sky'"):
        Bench(protocol_of(tables(learners=[learner])), tmp_path).draw()
    with sky(bands=("infrared",)), pytest.raises(SettingsError, match=r"'sky', which has 1 bands.*'made-up' has 3"):
        Bench(protocol_of(tables(learners=[learner])), tmp_path).draw()


def test_tasks_of_tables_are_not_learned_from_images(tmp_path: Path) -> None:
    (tmp_path / "sky").mkdir()
    learner = {"name": "protonet", "encoder": "plain", "train": {**TRAIN, "data": ["sky"]}}
    with sky(bands=tuple("wxyz"), kind="tables"):
        found = Bench(protocol_of(tables(learners=[learner])), tmp_path, roots={"sky": tmp_path / "sky"})
        with pytest.raises(SettingsError, match="classes of images .sky.*tasks are of rows"):
            found.prepare(tmp_path, found.draw())


@pytest.mark.parametrize(
    ("learners", "message"),
    [
        ([NET, {"name": "ridge", "start": "nett"}], "'nett', which is no label.*Did you mean net"),
        ([{**NET, "start": "net"}], "circle: net <- net"),
        ([{**NET, "start": "b"}, {**NET, "label": "b", "start": "net"}], "circle: net <- b <- net"),
        (
            [{"name": "ridge", **CONV}, {"name": "ridge", "label": "b", "start": "ridge"}],
            "'ridge', which isn't trained",
        ),
        ([NET, {"name": "ridge", "start": "net", "encoder": "dense"}], "has the encoder 'dense', but 'net'"),
        ([NET, {"name": "ridge", "start": "net", "encoder_settings": {"width": 5}}], "has the encoder_settings"),
        ([NET, {"name": "ridge", "start": "net", "tune": {"encoder_settings.width": [1]}}], "tune it there"),
        ([NET, {"name": "scratch", "start": "net"}], "begins each task with random weights"),
        (
            [{**NET, "encoder": "statistics", "encoder_settings": {}}, {"name": "ridge", "start": "net"}],
            "learns nothing",
        ),
        ([{**NET, "name": "cavia"}, {"name": "ridge", "start": "net"}], "the learned encoder reads a context"),
        ([NET, {"name": "ridge", "start": 3}], "start is 3"),
        ([{**NET, "listed": "no"}], "listed is 'no'"),
        ([{**NET, "listed": False}], "no learner starts from it"),
    ],
)
def test_starts_that_cannot_be(learners: list[dict], message: str) -> None:
    with sky(), pytest.raises(SettingsError, match=message):
        protocol_of(tables(learners=learners))


def test_the_encoder_is_that_of_the_start_along_a_chain() -> None:
    chain = [NET, {"name": "protonet", "label": "b", "start": "net", "train": TRAIN}, {"name": "ridge", "start": "b"}]
    with sky():
        found = protocol_of(tables(learners=chain[::-1])).learners
    assert [entry.settings for entry in found] == [{**CONV}] * 3


def test_roots_of_several_data_sets() -> None:
    with sky():
        assert roots_of(["a", "sky=b=c"], "made-up", ["sky"]) == (Path("a"), {"sky": Path("b=c")})
        assert roots_of(["here=there"], "made-up", ["sky"]) == (Path("here=there"), {})
        for given, message in (
            (["a", "b"], "two folders for 'made-up', a and b"),
            (["sky=b"], "no folder for 'made-up'"),
            (["a", "aid=b"], "no learner has it in train.data"),
        ):
            with pytest.raises(SettingsError, match=message):
                roots_of(given, "made-up", ["sky"])


def test_a_bench_with_a_net_from_elsewhere(tmp_path: Path) -> None:
    with sky():
        result = bench(tmp_path, "--root", f"sky={tmp_path / 'sky'}")
        record = json.loads((tmp_path / "out" / "bench.json").read_text())
        check_encoders(work_of(tmp_path))
    scores, cost = (pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("scores", "cost"))
    assert set(scores["learner"]) == {"probe", "further"} and "net of the sky" not in result.stdout
    assert [told["label"] for told in record["unlisted"]] == ["net of the sky"]
    trained = cost[cost["learner"] == "net of the sky"]
    assert (trained["training_seconds"] > 0).all() and len(trained) == 2 and (trained["trials"] == 2).all()
    assert "net of the sky" in (tmp_path / "out" / "report.html").read_text()


def check_encoders(work: Work) -> None:
    """Those that start have the encoder as it was tuned and trained; further training goes on from it."""
    _, probing, going_on = work.setup.entries
    net, told = work.start(probing, 0, 1)
    probe, further = work.ready(probing, 0, 1)[0], work.ready(going_on, 0, 1)
    assert set(told["trained"]) == {f"sky/{name}" for name in ("cirrus", "cumulus", "nimbus", "stratus")}
    assert set(told["trained"]) < set(further[1]["trained"]) and told["seed"] == 1
    assert probe.encoder_settings == net.encoder_settings == further[0].encoder_settings
    before, same, after = (learner.net.encoder.state_dict() for learner in (net, probe, further[0]))
    assert all(torch.equal(before[name], same[name]) for name in before)
    assert not all(torch.equal(before[name], after[name]) for name in before)
    simpleshot = replace(
        probing, name="simpleshot", settings={k: v for k, v in probing.settings.items() if k != "steps"}
    )
    rows = [net.labelled_rows(examples)[0] for examples in work.school(0, ("sky",)).examples()]
    assert torch.allclose(work.ready(simpleshot, 0, 1)[0].net.head.mean, torch.cat(rows).mean(0), atol=1e-6)


def work_of(folder: Path) -> Work:
    """A process of the bench that was done in the folder, its protocol read anew."""
    from handful.bench.protocol import read_protocol
    from handful.bench.tasks import read_tasks

    protocol = read_protocol(folder / "protocol.toml")
    found = Bench(protocol, folder, roots={"sky": folder / "sky"})
    return Work(found.prepare(folder / "out", read_tasks(folder / "out" / "tasks.json")))


def test_a_start_is_trained_before_those_that_start_from_it(tmp_path: Path) -> None:
    learners = [
        {"name": "protonet", "label": "c", "start": "b", "train": TRAIN},
        {"name": "protonet", "label": "b", "start": "net", "train": TRAIN, "tune": {"train.steps": [1, 2]}},
        NET,
    ]
    given = {"test": 5, "validation": 3, "name": "made-up"}
    ways = {"shots": [1], "ways": 3, "count": 2}
    with sky():
        protocol = protocol_of(tables(learners=learners, data=given, tasks=ways, tune={"trials": 2}))
        found = Bench(protocol, tmp_path)
        tasks = found.draw()
        setup = found.prepare(tmp_path, tasks)
    order = [(job.kind, setup.entries[job.entry].label) for _, jobs in stages(setup, tasks) for job in jobs]
    trained = [job for job in order if job[0] != "score"]
    assert trained == [("train", "net"), ("try", "b"), ("try", "b"), ("train", "b"), ("train", "c")]
