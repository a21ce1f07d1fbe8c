"""The demo does what it says, on land that no weights have seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from handful.cli import demo
from handful.cli.demo import FIRST_TRAINED, LEARNERS, Plan, command, compare, said

SMALL = Plan(seed=3, size=64, test=10, regions=1, region_size=48, draws=1, compared=(1,))


def test_no_seed_that_can_be_given_was_trained_on():
    highest = FIRST_TRAINED // 100 - 1
    assert CliRunner().invoke(command, ["--seed", str(highest + 1)]).exit_code == 2
    assert Plan(seed=highest).region_seed(Plan.regions) < FIRST_TRAINED


def test_training_begins_where_the_demo_says():
    import ast

    source = Path(__file__).parents[2] / "tools" / "make_weights.py"
    seeds = [n.value for n in ast.walk(ast.parse(source.read_text())) if isinstance(n, ast.Constant)]
    large = [n for n in seeds if isinstance(n, int) and n >= 100_000]
    assert min(large) >= FIRST_TRAINED


def test_every_learner_is_compared_on_every_region():
    found = compare(SMALL, lambda stage, done, total: None)
    assert list(found) == list(LEARNERS)
    assert all(0 <= scores["1"]["balanced_accuracy"] <= 1 for scores in found.values())
    assert all(scores["1"]["regions"] == 1 for scores in found.values())


def test_the_table_names_what_it_shows():
    score = {"balanced_accuracy": 0.5, "low": None, "high": None, "labels": 10, "regions": 1}
    lines = said(
        {"test": {"first date": score}, "comparison": {"ridge": {"1": score, "5": score}}, "note": demo.HONEST}
    )
    assert "1 label a class" in "\n".join(lines) and "5 labels a class" in "\n".join(lines)
    assert "never" in demo.HONEST or "no weights were trained on" in demo.HONEST


@pytest.mark.slow
def test_the_whole_demo(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "Plan", lambda seed: SMALL)
    done = CliRunner().invoke(command, ["-o", str(tmp_path / "out"), "--json", "--quiet"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert set(found["test"]) == {"first date", "later date"}
    for name in ("map/map.tif", "map/confidence.tif", "map/report.html", "map/run.json", "later/map.tif", "demo.png"):
        assert (tmp_path / "out" / name).stat().st_size
    again = CliRunner().invoke(command, ["-o", str(tmp_path / "out"), "--quiet"])
    assert "--overwrite" in str(again.exception)
