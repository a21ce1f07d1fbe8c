"""A bench from end to end: the same bytes after a kill, what is refused, what is left out, every kind of data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result
from small_bench import registered

from handful.bench import work
from handful.bench.entries import Frame
from handful.bench.folds import Fold
from handful.bench.rivals import rivals
from handful.bench.tasks import read_tasks
from handful.checkpoint import load
from handful.cli.bench import command
from handful.data import DATASETS
from handful.errors import DataError, HandfulError, OutputError, SettingsError
from handful.folder import hold

BASE = """
rivals = false
[data]
name = "made-up"
test = 0.5
validation = 0.3
unit = "site"
[tasks]
shots = [1, 3]
draws = 2
seeds = 2
[[learners]]
name = "nearest_mean"
label = "means"
encoder = "plain"
[[learners]]
name = "ridge"
encoder = "plain"
tune = { penalty = [0.1, 1.0, 10.0] }
[tune]
trials = 2
"""
IMAGES = """
[data]
name = "made-up"
test = 5
validation = 3
[tasks]
shots = [1, 2]
ways = 3
count = 6
queries = 4
[[learners]]
name = "protonet"
encoder = "conv4"
encoder_settings = { width = 4 }
train = { steps = 2, shots = [1, 2], queries = 3, validate_every = 1 }
[[learners]]
name = "fine_tune"
encoder = "conv4"
encoder_settings = { width = 4 }
steps = 2
train = { steps = 2, shots = [1, 2], queries = 3, validate_every = 2 }
[tune]
count = 2
"""


def bench(folder: Path, text: str = BASE, *more: str, out: str = "out") -> Result:
    (folder / "protocol.toml").write_text(text)
    words = [str(folder / "protocol.toml"), "--root", str(folder), "-o", str(folder / out), "--workers", "1", *more]
    return CliRunner().invoke(command, words, catch_exceptions=False)


def test_tables_page_and_terminal(tmp_path: Path) -> None:
    with registered("tables"):
        found = bench(tmp_path)
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert len(scores) == 2 * 2 * 2 * 2 * scores["task"].nunique()  # learners, seeds, shots, draws
    assert not scores.duplicated(["learner", "seed", "task", "shots", "draw"]).any()
    assert scores["balanced_accuracy"].between(0, 1).all()
    record = json.loads((tmp_path / "out" / "bench.json").read_text())
    means = scores[(scores["learner"] == "means") & (scores["shots"] == 3)].groupby("unit")["balanced_accuracy"].mean()
    row = next(row for row in record["table"] if (row["learner"], row["shots"]) == ("means", 3))
    assert row["scores"]["balanced_accuracy"]["mean"] == pytest.approx(means.mean())
    assert f"{means.mean():.3f}" in found.stdout
    page = (tmp_path / "out" / "report.html").read_text()
    assert "made-up" in page and "http" not in page.replace("http-equiv", "") and "<script" not in page
    cost = pd.read_csv(tmp_path / "out" / "cost.csv")
    assert set(cost["trials"]) == {0, 2} and (cost[cost["learner"] == "ridge"]["tuning_cpu_seconds"] > 0).all()


def test_killed_and_resumed_it_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with registered("tables"):
        bench(tmp_path)
        whole, done = work.write_json, []

        def write(path: Path, value: Any) -> None:
            if len(done) == 3:
                raise KeyboardInterrupt
            done.append(path)
            whole(path, value)

        monkeypatch.setattr(work, "write_json", write)
        assert bench(tmp_path, out="broken").exit_code == 1  # click's own, of an interrupt
        assert len(list((tmp_path / "broken" / "parts").iterdir())) == 3
        monkeypatch.setattr(work, "write_json", whole)
        bench(tmp_path, out="broken")
    for name in ("scores.csv", "classes.csv", "calibration.csv", "paths.csv", "tasks.json", "tuning.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "broken" / name).read_bytes(), name


def test_another_protocol_in_the_folder_is_refused_and_a_finished_one_kept(tmp_path: Path) -> None:
    with registered("tables"):
        bench(tmp_path)
        with pytest.raises(OutputError, match="finished run"):
            bench(tmp_path)
        (tmp_path / "out" / "bench.json").unlink()
        with pytest.raises(OutputError, match="another protocol"):
            bench(tmp_path, BASE.replace("draws = 2", "draws = 1"))
        assert bench(tmp_path, BASE.replace("draws = 2", "draws = 1"), "--overwrite").exit_code == 0


def test_two_benches_on_one_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with registered("tables"), hold(tmp_path / "out"), pytest.raises(OutputError, match="another run"):
        bench(tmp_path)


def test_a_broken_site_is_named_and_left_out_only_if_told_so(tmp_path: Path) -> None:
    with registered("tables", broken="c4"):
        test = BASE.replace("test = 0.5", 'test = ["a", "b", "c", "d"]')
        with pytest.raises(DataError, match="c4 cannot be read.*keep-going"):
            bench(tmp_path, test)
        found = bench(tmp_path, test, "--keep-going", out="going")
    assert "left out site 'c4'" in found.stderr
    assert "c4" not in set(pd.read_csv(tmp_path / "going" / "scores.csv")["task"])


def test_a_list_of_tasks_is_used_again(tmp_path: Path) -> None:
    with registered("tables"):
        bench(tmp_path)
        given = str(tmp_path / "out" / "tasks.json")
        bench(tmp_path, BASE, "--tasks", given, out="again")
        with pytest.raises(SettingsError, match="was drawn with"):
            bench(tmp_path, BASE.replace("draws = 2", "draws = 1"), "--tasks", given, out="other")
    assert (tmp_path / "again" / "scores.csv").read_bytes() == (tmp_path / "out" / "scores.csv").read_bytes()


def test_images_by_class_with_training(tmp_path: Path) -> None:
    with registered("images"):
        bench(tmp_path, IMAGES)
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert set(scores["learner"]) >= {"protonet", "fine_tune", "linear on random patches"}
    assert len(list((tmp_path / "out" / "checkpoints").glob("*/model.safetensors"))) == 2
    assert "Tasks to look at" in (tmp_path / "out" / "report.html").read_text()


def test_quantities(tmp_path: Path) -> None:
    text = BASE.replace('name = "nearest_mean"\nlabel = "means"', 'name = "random_forest"\ntrees = 10')
    with registered("quantity"):
        found = bench(tmp_path, text)
    record = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert record["score"] == "rmse" and not record["more_is_better"] and "rmse" in found.stdout
    row = record["table"][-1]["scores"]
    assert {"rmse", "r2", "r2_pooled"} <= set(row)


def test_a_learner_that_cannot_do_the_tasks_is_told_before_any_work(tmp_path: Path) -> None:
    with registered("quantity"), pytest.raises(HandfulError, match="'means' can't do these tasks"):
        bench(tmp_path)
    assert not list((tmp_path / "out").glob("parts/*"))


def test_who_is_compared_with_must_be_there(tmp_path: Path) -> None:
    with registered("tables"), pytest.raises(SettingsError, match="no learner is called 'mean'. Did you mean means"):
        bench(tmp_path, BASE + '[report]\nagainst = "mean"\n')
    assert not list((tmp_path / "out").glob("parts/*"))


def test_a_site_of_several_splits_is_one_unit(tmp_path: Path) -> None:
    with registered("tables"):
        bench(tmp_path, BASE.replace("test = 0.5", "test = 0.5\nrepeats = 4").replace("seeds = 2", "seeds = 1"))
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    sites = scores["unit"].nunique()
    assert scores["split"].nunique() == 4 and scores.groupby("unit")["split"].nunique().max() > 1
    record = json.loads((tmp_path / "out" / "bench.json").read_text())
    row = next(row for row in record["table"] if (row["learner"], row["shots"]) == ("means", 1))
    means = scores[(scores["learner"] == "means") & (scores["shots"] == 1)].groupby("unit")["balanced_accuracy"].mean()
    assert row["scores"]["balanced_accuracy"]["units"] == record["ranks"]["1"]["blocks"] == sites
    assert row["scores"]["balanced_accuracy"]["mean"] == pytest.approx(means.mean())


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    with registered("tables"):
        found = bench(tmp_path, BASE, "--dry-run")
    assert "sha256:" in found.stdout and not (tmp_path / "out").exists()


POOL = """
rivals = false
[data]
name = "made-up"
test = 0.3
validation = 0.3
[tasks]
shots = [2]
draws = 1
[[learners]]
name = "pooled"
label = "own pool"
encoder = "plain"
estimator = "logistic"
most = 30
train = {}
tune = { weight = [1, 5] }
[tune]
trials = 2
"""
SHARED = POOL.replace("test = 0.3", 'test = 0.3\nclasses = "shared"')


@pytest.mark.parametrize(("kind", "text"), [("quantity", POOL), ("tables", SHARED)])
def test_a_pool_holds_rows_of_train_sites_and_is_the_same_after_a_kill(kind: str, text: str, tmp_path: Path) -> None:
    with registered(kind) as name:
        bench(tmp_path, text)
        fold = read_tasks(tmp_path / "out" / "tasks.json").folds[0]
        train = torch.cat([DATASETS[name].read(tmp_path, site, "").examples.inputs for site in fold.train])
        before = (tmp_path / "out" / "scores.csv").read_bytes()
        for file in (*(tmp_path / "out" / "parts").glob("score-*"), tmp_path / "out" / "bench.json"):
            file.unlink()
        bench(tmp_path, text)
    assert (tmp_path / "out" / "scores.csv").read_bytes() == before
    pools = [load(path)[0] for path in (tmp_path / "out" / "checkpoints").glob("own-pool*")]
    assert len(pools) == 2 and {tuple(pool.kept) for pool in pools} == {(30, 4)}
    assert all((train == row).all(1).any() for row in pools[0].net.head.features)


def test_a_pool_of_hidden_classes_is_refused(tmp_path: Path) -> None:
    with registered("tables"), pytest.raises(SettingsError, match="'own pool' pools the rows .* are hidden"):
        bench(tmp_path, POOL)


@pytest.mark.parametrize(("classes", "shared", "train"), [(1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_rivals_keep_a_pool_where_answers_mean_the_same_and_there_are_sites(
    classes: bool, shared: bool, train: bool
) -> None:
    folds = [Fold("", ("a",), (), ("b",)), Fold("", ("b",) * train, (), ("a",))]
    found = {entry.label for entry in rivals(Frame("rows", 4, 3, classes=classes, shared=shared), folds)}
    pooled = {"forest on the pool", "linear on the pool", "forest on pool and support"}
    assert found & pooled == (pooled if shared and train else set())
    assert ("mean of the support" in found) != classes and ("nearest mean" in found) == classes


DIVERGING = """
rivals = false
[data]
name = "made-up"
test = 0.5
validation = 0.3
[tasks]
shots = [3]
draws = 1
[[learners]]
name = "maml"
encoder = "table"
step_size = 0.01
train = { steps = 3, tasks_per_step = 1, validate_every = 1, shots = [2, 3], queries = 4 }
tune = { step_size = [STEPS] }
[tune]
trials = 2
"""


def test_a_combination_that_diverges_is_the_worst_of_those_tried(tmp_path: Path) -> None:
    with registered("quantity"):
        bench(tmp_path, DIVERGING.replace("STEPS", "1e30, 0.01"))
        tried = pd.read_csv(tmp_path / "out" / "tuning.csv").set_index("settings")
        assert tried.loc["step_size = 0.01", "chosen"] == 1
        assert tried.loc["step_size = 1e+30"].isna()["score"]
        with pytest.raises(SettingsError, match="'maml': all that was tried failed, the first so: the loss is"):
            bench(tmp_path, DIVERGING.replace("STEPS", "1e30, 1e29"), out="other")
