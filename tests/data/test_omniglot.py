"""The reader of Omniglot: characters and their rotations, ink on paper, and the splits of the literature."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small_sets import damage, encoded, write_zip

from handful.data import find_data
from handful.data.omniglot import scattered
from handful.errors import DataError

DATA, ROTATIONS = find_data("omniglot"), find_data("omniglot-rotations")
CHARACTERS = {"images_background": ("Greek", "N_Ko"), "images_evaluation": ("Angelic",)}


def drawing(rng: np.random.Generator) -> np.ndarray:
    """105 x 105, one bit, ink (black) in the upper left corner and somewhere below."""
    paper = np.ones((105, 105), bool)
    paper[:30, :30] = False
    paper[60 + int(rng.integers(40)), 5:100] = False
    return paper


def make_set(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for part, alphabets in CHARACTERS.items():
        names = [f"{part}/{a}/character{k:02d}/pos{i:02d}.png" for a in alphabets for k in (1, 2) for i in (1, 2, 3)]
        write_zip(root / f"{part}.zip", {name: encoded(drawing(rng)) for name in names})
    lists = root / "splits-vinyals"
    lists.mkdir()
    for stem, alphabet in (("train", "Angelic"), ("val", "N_Ko"), ("test", "Greek")):
        lines = [f"{alphabet}/character{k:02d}/rot{turn:03d}" for k in (1, 2) for turn in (0, 90, 180, 270)]
        (lists / f"{stem}.txt").write_text("\n".join(lines) + "\n")
    return root


def test_a_character_is_a_site_and_its_alphabet_the_group(tmp_path: Path) -> None:
    groups = DATA.groups(make_set(tmp_path))
    assert len(groups) == 6 and groups["Greek/character02"] == "Greek"
    assert set(groups.values()) == {"Greek", "N_Ko", "Angelic"}
    turned = ROTATIONS.groups(tmp_path)
    assert len(turned) == 24 and turned["N_Ko/character01/rot270"] == "N_Ko"
    assert DATA.site_is == "class" and not DATA.shared


def test_ink_is_one_on_28_pixels(tmp_path: Path) -> None:
    region = DATA.regions(make_set(tmp_path), ["Angelic/character01"], {})[0]
    images = region.examples.inputs
    assert images.shape == (3, 1, 28, 28) and float(images.min()) == 0 and float(images.max()) == 1
    assert (images[:, :, 1:7, 1:7] > 0.98).all() and (images[:, :, 1:7, 9:27] < 0.02).all()  # Lanczos rings
    assert region.examples.problem.names == ("Angelic/character01",) and region.examples.targets.tolist() == [0, 0, 0]
    assert region.origins[0] == "images_evaluation/Angelic/character01/pos01.png"


def test_rotations_turn_counterclockwise_and_keep_their_origin(tmp_path: Path) -> None:
    make_set(tmp_path)
    names = [f"Greek/character01/rot{turn:03d}" for turn in (0, 90, 180, 270)]
    turned = ROTATIONS.regions(tmp_path, names, {})
    upright = DATA.regions(tmp_path, ["Greek/character01"], {})[0]
    near, far = slice(1, 7), slice(21, 27)
    corners = [(near, near), (far, near), (far, far), (near, far)]
    assert (turned[0].examples.inputs == upright.examples.inputs).all()
    for quarters, region in enumerate(turned):
        images = region.examples.inputs
        assert (images[:, 0, *corners[quarters]] > 0.98).all()
        assert (images == upright.examples.inputs.rot90(quarters, (2, 3))).all()
        assert region.origins == upright.origins and region.name == names[quarters]


def test_splits(tmp_path: Path) -> None:
    splits = DATA.splits(make_set(tmp_path))
    assert set(splits) == {"lake", "vinyals", "1100-100-423"}
    assert splits["lake"] == {name: "test" if "Angelic" in name else "train" for name in DATA.groups(tmp_path)}
    parts = {"Angelic": "train", "N_Ko": "validation", "Greek": "test"}
    assert splits["vinyals"] == {name: parts[alphabet] for name, alphabet in DATA.groups(tmp_path).items()}
    turned = ROTATIONS.splits(tmp_path)
    assert set(turned["vinyals"]) == set(turned["lake"]) == set(ROTATIONS.groups(tmp_path))
    assert all(part == splits["vinyals"][name.rsplit("/", 1)[0]] for name, part in turned["vinyals"].items())


def test_the_scattered_split_has_its_counts_whatever_the_order() -> None:
    names = [f"A{k // 30}/character{k % 30:02d}" for k in range(1623)]
    split = scattered(dict.fromkeys(names, ""))
    assert Counter(split.values()) == {"train": 1100, "validation": 100, "test": 423}
    assert scattered(dict.fromkeys(names[::-1], "")) == split


def test_lists_are_checked_and_may_be_absent(tmp_path: Path) -> None:
    path = make_set(tmp_path) / "splits-vinyals" / "val.txt"
    for line, why in (
        ("Klingon/character01/rot000", "in neither archive"),
        ("Angelic/character01/rot000", "in another list"),
    ):
        path.write_text(line + "\n")
        with pytest.raises(DataError, match=f"val.txt.*{why}"):
            DATA.splits(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="val.txt cannot be read"):
        DATA.splits(tmp_path)
    for left in path.parent.iterdir():
        left.unlink()
    path.parent.rmdir()
    assert set(DATA.splits(tmp_path)) == {"lake", "1100-100-423"}


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="omniglot.*github.com/brendenlake/omniglot.*MIT"):
        DATA.groups(tmp_path)
    make_set(tmp_path)
    with pytest.raises(DataError, match="no character 'Greek/character09'"):
        DATA.regions(tmp_path, ["Greek/character09"], {})
    damage(tmp_path / "images_background.zip", "images_background/Greek/character01/pos02.png")
    with pytest.raises(DataError, match="images_background/Greek/character01/pos02.png"):
        DATA.regions(tmp_path, ["Greek/character01"], {})
    (tmp_path / "images_evaluation.zip").unlink()
    with pytest.raises(DataError, match="only a part.*images_evaluation.zip"):
        DATA.groups(tmp_path)


def test_the_collection_itself(data_root: Path) -> None:
    root = data_root / "omniglot"
    groups, splits = DATA.groups(root), DATA.splits(root)
    assert len(groups) == 1623 and len(set(groups.values())) == 50 and len(ROTATIONS.groups(root)) == 4 * 1623
    counts = {name: Counter(split.values()) for name, split in splits.items()}
    assert counts["lake"] == {"train": 964, "test": 659}
    assert counts["vinyals"] == {"train": 1028, "validation": 172, "test": 423}
    assert counts["1100-100-423"] == {"train": 1100, "validation": 100, "test": 423}
    alphabets = [{groups[name] for name, part in splits["lake"].items() if part == of} for of in ("train", "test")]
    assert [len(of) for of in alphabets] == [30, 20] and not alphabets[0] & alphabets[1]
    region = DATA.regions(root, ["Tifinagh/character55"], groups)[0]
    assert region.examples.inputs.shape == (20, 1, 28, 28) and 0.02 < float(region.examples.inputs.mean()) < 0.3
