"""The page of a bench: it says labels of a quantity otherwise than those of classes, and shows no empty column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from handful.report.bench_page import bench_page


def row(learner: str, shots: int, mean: float, **more: Any) -> dict[str, Any]:
    limits = {"low": mean - 1, "high": mean + 1, "units": 8}
    scores = {"rmse": {"mean": mean, **limits}, "nll": {"mean": None, "low": None, "high": None, "units": 0}}
    return {"learner": learner, "shots": shots, "scores": scores, "units": {"a": mean, "b": mean}, **more}


def record(**changes: Any) -> dict[str, Any]:
    """Of two learners, which do as well with one label."""
    gap = {"low": -0.1, "high": 0.1, "units": 8, "p": 1.0, "differs": False}
    rows = [row("ridge", 1, 41.0, difference={"mean": 0.0, **gap}), row("forest", 1, 41.0)]
    rows += [row("ridge", 5, 30.0, difference={"mean": -2.0, **gap}), row("forest", 5, 32.0)]
    learners = [
        {"label": label, "name": label, "rival": rival, "trained": False, "trials": 0, "transductive": False,
         "settings": {}, "pooled": False, "trained_on": [], "start": ""}
        for label, rival in (("ridge", False), ("forest", True))
    ]  # fmt: skip
    ranks = {"mean": {"ridge": 1.0, "forest": 2.0}, "critical": None, "blocks": 8, "p": None}
    told = {
        "handful": "0", "data": "moisture", "classes": None, "unit": "site", "score": "rmse", "more_is_better": False,
        "against": "forest", "shots": [1, 5], "tasks": 16, "seeds": 1, "checksum": "sha256:0", "learners": learners,
        "unlisted": [], "table": rows, "ranks": {"1": ranks, "5": ranks}, "notes": [], "leaks": None,
        "without_leaks": [],
    }  # fmt: skip
    return told | changes


def test_a_quantity_has_labels_and_not_labels_a_class(tmp_path: Path) -> None:
    page = bench_page(record(), tmp_path, [], ())
    assert "a class" not in page and "1 label<" in page and "5 labels<" in page
    assert "RMSE, of which less is better" in page and "negative log-likelihood" not in page
    assert "2.000 better than forest" in page and "as well as forest" in page


def test_classes_have_labels_a_class(tmp_path: Path) -> None:
    page = bench_page(record(classes="hidden"), tmp_path, [], ())
    assert "5 a class<" in page and "<dt>labels a class</dt>" in page and "5 labels" not in page


def test_what_is_worse_beyond_luck_looks_otherwise_than_what_is_better(tmp_path: Path) -> None:
    sure = {"low": 1.0, "high": 3.0, "units": 8, "p": 0.01, "differs": True}
    told = record()
    told["table"][2]["difference"] = {"mean": 2.0, **sure}
    assert 'class="gap differs worse"' in bench_page(told, tmp_path, [], ())
    assert 'class="gap differs"' in bench_page({**told, "more_is_better": True}, tmp_path, [], ())
