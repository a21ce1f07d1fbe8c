"""A bench under abuse: damaged archives, classes with too few images, a full disk."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from small_bench import registered
from small_sets import damage, encoded, write_zip

from handful.bench import work
from handful.cli.bench import command
from handful.cli.faults import ENVIRONMENT, explain
from handful.errors import DataError

IMAGES = """
rivals = false
[data]
name = "ucmerced"
test = 5
validation = 0
[tasks]
shots = [1, 2]
ways = 3
count = 4
queries = 2
[[learners]]
name = "nearest_mean"
encoder = "statistics"
"""
TABLES = """
rivals = false
[data]
name = "made-up"
[tasks]
shots = [1]
draws = 1
[[learners]]
name = "ridge"
encoder = "plain"
"""
CLASSES = ("airport", "beach", "crops", "dunes", "estate")


def bench(folder: Path, text: str, *more: str, out: str = "out") -> Result:
    (folder / "protocol.toml").write_text(text)
    words = [str(folder / "protocol.toml"), "--root", str(folder), "-o", str(folder / out), "--workers", "1", *more]
    return CliRunner().invoke(command, words, catch_exceptions=False)


def archive(folder: Path, few: str = "") -> Path:
    """Five classes of six images, `few` of them with two."""
    rng = np.random.default_rng(0)
    return write_zip(
        folder / "ucmerced.zip",
        {
            f"UCMerced_LandUse/Images/{name}/{name}{k}.png": encoded(rng.integers(0, 256, (128, 128, 3), np.uint8))
            for name in CLASSES
            for k in range(2 if name == few else 6)
        },
    )


def test_a_damaged_image_costs_its_class_if_told_so(tmp_path: Path) -> None:
    damage(archive(tmp_path), "UCMerced_LandUse/Images/crops/crops3.png")
    with pytest.raises(DataError, match=r"crops/crops3.png cannot be .* fetch .*keep-going"):
        bench(tmp_path, IMAGES)
    found = bench(tmp_path, IMAGES, "--keep-going")
    assert "left out site 'crops'" in found.stderr and "crops3.png" in found.stderr
    assert set(pd.read_csv(tmp_path / "out" / "classes.csv")["class"]) <= set(CLASSES) - {"crops"}


def test_a_class_with_fewer_images_than_shots_is_counted_out(tmp_path: Path) -> None:
    archive(tmp_path, few="dunes")
    found = bench(tmp_path, IMAGES)
    assert "1 classes have too few images for 2 shots" in found.stderr
    assert "dunes" not in set(pd.read_csv(tmp_path / "out" / "classes.csv")["class"])
    with pytest.raises(DataError, match="4 classes have images enough for 5 shots, but a task has 5"):
        bench(tmp_path, IMAGES.replace("[1, 2]", "[1, 5]").replace("ways = 3", "ways = 5"), out="five")


def test_a_full_disk_is_the_machine_s_fault_and_what_is_done_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, done = work.write_json, []

    def full(path: Path, value: Any) -> None:
        if done:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        done.append(path)
        whole(path, value)

    with registered("tables", sites=16):
        bench(tmp_path, TABLES)
        monkeypatch.setattr("handful.bench.run.CHUNK", 1)
        monkeypatch.setattr(work, "write_json", full)
        with pytest.raises(OSError) as told:
            bench(tmp_path, TABLES, out="full")
        assert explain(told.value)[1] == ENVIRONMENT and "the disk is full" in explain(told.value)[0]
        assert len(list((tmp_path / "full" / "parts").iterdir())) == 1
        monkeypatch.setattr(work, "write_json", whole)
        bench(tmp_path, TABLES, out="full")
    assert (tmp_path / "full" / "scores.csv").read_bytes() == (tmp_path / "out" / "scores.csv").read_bytes()


def test_a_file_beyond_the_limit_is_the_machine_s_fault() -> None:
    assert explain(OSError(errno.EFBIG, "File too large", "scores.csv"))[1] == ENVIRONMENT


def test_want_of_memory_is_the_machines_fault_not_the_learners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*given: Any) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(work.Work, "scored", no_room)
    with registered("tables"), pytest.raises(RuntimeError) as caught:
        bench(tmp_path, TABLES)
    assert explain(caught.value)[1] == ENVIRONMENT
