"""The documentation names what there is: every learner, every option, every key, and files that exist."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from handful.augment import AUGMENTATIONS
from handful.bench.protocol import Data, Report, Tasks, Tune
from handful.bench.recipe import Part
from handful.bench.search_recipe import Space
from handful.data import DATASETS, DETECTION
from handful.data.sampling import Sampling
from handful.encoders.blocks import OPERATIONS
from handful.learners import LEARNERS, make
from handful.learners.classical import REGRESSORS, Classical
from handful.meta_train import Training
from handful.problem import Classes, Quantity

CONV = {"encoder": "conv4", "encoder_settings": {"bands": 1, "width": 4}}
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_table_of_learners_is_the_catalogue():
    assert re.findall(r"^\| `(\w+)` \|", text("README.md"), re.MULTILINE) == list(LEARNERS)


def facts(name: str) -> tuple[str, ...]:
    """What a learner learns from, answers, how many classes it takes, and whether it reads the query."""
    found = make(name, **CONV)
    quantities = not isinstance(found, Classical) or found.estimator in REGRESSORS
    can = [Classes in found.problems, Quantity in found.problems and quantities]
    learns = any(w.requires_grad for w in found.net.parameters())
    source = "pooled labels" if found.pools_classes else "images" if getattr(found, "labels_unread", False) else "tasks"
    return (
        source if learns else "rows that it keeps" if found.keeps_rows else "nothing",
        ", ".join(word for word, does in zip(("classes", "quantities"), can, strict=True) if does),
        "-" if not can[0] else "as many as `outputs`" if found.limited else "any number",
        "yes" if found.transductive else "no",
    )


@pytest.mark.parametrize("name", LEARNERS)
def test_what_is_told_of_a_learner_is_so(name: str):
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text("docs/learners.md"), re.MULTILINE))
    assert list(told) == list(LEARNERS)
    assert tuple(told[name].split(" | ")) == facts(name)
    assert re.search(rf"^\| `{name}` \|.*\| {facts(name)[1]} \|$", text("README.md"), re.MULTILINE)


def test_the_tables_of_data_sets_are_the_catalogue():
    import_module("handful.bench")  # a person's own regions are made known there
    pages = text("docs/data.md") + text("docs/layouts.md")
    assert re.findall(r"^\| `([\w-]+)` \|", pages, re.MULTILINE) == [*DATASETS, *DETECTION]


@pytest.mark.parametrize(
    "page, commands",
    [
        ("docs/map.md", ["map", "apply"]),
        ("docs/train.md", ["train", "evaluate"]),
        ("docs/bench.md", ["bench"]),
        ("docs/pretrain.md", ["pretrain"]),
        ("docs/search.md", ["search"]),
        ("docs/find.md", ["find"]),
    ],
)
def test_every_option_is_told(page: str, commands: list[str]):
    for name in commands:
        command = import_module(f"handful.cli.{name}").command
        flags = [flag for param in command.params for flag in param.opts if flag.startswith("--")]
        missing = [flag for flag in flags if f"`{flag}" not in text(page) and f" {flag} " not in text(page)]
        assert not [flag for flag in missing if flag != "--output"], f"{page} doesn't tell {name}'s {missing}"


@pytest.mark.parametrize("page, commands", [("docs/map.md", ("map", "apply")), ("docs/find.md", ("find",))])
def test_every_option_that_is_told_exists(page: str, commands: tuple[str, ...]):
    told = set(re.findall(r"`(--[a-z-]+)", text(page)))
    known = {flag for name in commands for p in import_module(f"handful.cli.{name}").command.params for flag in p.opts}
    assert told <= known


def test_every_key_of_a_recipe_is_told():
    told = set(re.findall(r"^\| `(\w+)` \|", text("docs/train.md"), re.MULTILINE))
    assert {field.name for kind in (Training, Sampling) for field in fields(kind)} <= told
    assert all(re.search(rf"^{field.name} =", text("docs/train.md"), re.MULTILINE) for field in fields(Part))


def test_every_key_of_a_protocol_is_told():
    page = text("docs/bench.md")
    told = set(re.findall(r"`(\w+)`", page))
    assert {field.name for kind in (Data, Tasks, Tune, Report) for field in fields(kind)} <= told


def test_the_table_of_changes_is_the_catalogue():
    told = re.findall(r"^\| `(\w+)` \| (none|[\d.]+) \|", text("docs/augment.md"), re.MULTILINE)
    amounts = {name: "none" if kind.amount is None else f"{kind.amount:.4}" for name, kind in AUGMENTATIONS.items()}
    assert {name: amount if amount == "none" else f"{float(amount):.4}" for name, amount in told} == amounts


def test_every_key_and_operation_of_a_search_is_told():
    told = set(re.findall(r"`(\w+)`", text("docs/search.md")))
    assert {field.name for field in fields(Space)} | set(OPERATIONS) <= told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_picture_is_small_enough_for_a_clone():
    assert (ROOT / "docs" / "demo.png").stat().st_size < 300_000
