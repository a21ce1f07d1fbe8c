"""The reader of FSS-1000: masks, the list of test kinds, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import write_picture

from handful.data import find_data
from handful.errors import DataError

DATA = find_data("fss-1000")
SIDE = 16


def make_kind(root: Path, name: str) -> None:
    """Ten pictures; the thing is the left half of the mask, which is grey or in colour."""
    for number in range(1, 11):
        mask = np.zeros((SIDE, SIDE) if number % 2 else (SIDE, SIDE, 3), np.uint8)
        mask[:, : SIDE // 2] = 255
        write_picture(root / name / f"{number}.jpg", np.full((SIDE, SIDE, 3), number, np.uint8))
        write_picture(root / name / f"{number}.png", mask)


@pytest.mark.parametrize("home", ["", "fewshot_data", "fewshot_data/fewshot_data"])
def test_a_site_is_a_kind(tmp_path: Path, home: str) -> None:
    make_kind(tmp_path / home, "ab_wheel")
    region = DATA.regions(tmp_path, ["ab_wheel"], DATA.groups(tmp_path))[0]
    assert region.examples.inputs.shape == (10, 3, SIDE, SIDE)
    assert region.examples.counts().tolist() == [10 * SIDE * SIDE // 2] * 2
    assert region.examples.targets[1, 0].tolist() == [1] * 8 + [0] * 8
    assert region.origins[:2] == ("ab_wheel/1", "ab_wheel/2") and not DATA.shared


def test_a_mask_of_another_size_leaves_its_picture_unlabelled(tmp_path: Path) -> None:
    make_kind(tmp_path, "peregine_falcon")
    write_picture(tmp_path / "peregine_falcon" / "8.png", np.zeros((5, 9, 3), np.uint8))
    examples = DATA.regions(tmp_path, ["peregine_falcon"], {})[0].examples
    assert (examples.targets[7] == -100).all() and (examples.targets[8] != -100).all()


def test_the_authors_list_is_the_test(tmp_path: Path) -> None:
    for name in ("abes_flyingfish", "bus", *(f"kind_{number}" for number in range(19))):
        make_kind(tmp_path, name)
    assert DATA.splits(tmp_path) == {}
    (tmp_path / "fss_test_set.txt").write_text("bus\nabe's_flyingfish\ncoin\n")
    split = DATA.splits(tmp_path)["official"]
    assert {name for name, part in split.items() if part == "test"} == {"bus", "abes_flyingfish"}
    assert sorted(split.values()).count("train") == 13 and len(split) == 21
    assert DATA.splits(tmp_path)["official"] == split


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="HKUSTCV.*licence"):
        DATA.groups(tmp_path)
    make_kind(tmp_path, "bus")
    path = tmp_path / "bus" / "4.png"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="bus/4.png cannot be read"):
        DATA.regions(tmp_path, ["bus"], {})
    path.unlink()
    with pytest.raises(DataError, match="bus/4.png is missing"):
        DATA.regions(tmp_path, ["bus"], {})
