"""The reader of SEN12MS: quarters, their classes, scenes, splits, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import optical, radar, write_raster

from handful.data import find_data
from handful.data.sen12ms import HOLD_OUT, NAMES, PUBLISHED, SEASONS
from handful.errors import DataError

DATA = find_data("sen12ms")


def make_patch(root: Path, season: str = "spring", scene: int = 1, patch: int = 30, igbp: tuple[int, ...] = ()) -> None:
    """One patch; igbp: the class of its quarters, by rows."""
    folder, stem = root / SEASONS[season], f"{SEASONS[season]}_{{}}_{scene}_p{patch}.tif"
    cover = np.kron(np.array(igbp or (1, 12, 13, 17)).reshape(2, 2), np.ones((128, 128), int))
    write_raster(folder / f"s2_{scene}" / stem.format("s2"), optical(13, 256, patch))
    write_raster(folder / f"s1_{scene}" / stem.format("s1"), radar(256, patch))
    rest = np.full((3, 256, 256), 99)
    write_raster(folder / f"lc_{scene}" / stem.format("lc"), np.concatenate([cover[None], rest]).astype(np.uint16))


def read(root: Path, name: str = "spring-1"):
    return DATA.regions(root, [name], DATA.groups(root))[0]


def test_a_quarter_is_an_image_of_its_majority(tmp_path: Path) -> None:
    make_patch(tmp_path)
    path = tmp_path / "ROIs1158_spring" / "s2_1" / "ROIs1158_spring_s2_1_p30.tif"
    assert path.exists()
    region = read(tmp_path)
    assert region.examples.problem.names == ("forest", "cropland", "urban", "water")
    assert region.examples.targets.tolist() == [0, 1, 2, 3]
    assert [NAMES[index] for index in region.examples.base_targets.tolist()] == list(region.examples.problem.names)
    bands = region.examples.inputs["bands"]
    assert bands.shape == (4, 15, 128, 128) and bands.dtype == torch.float32
    numbers = optical(13, 256, 30)
    assert torch.allclose(bands[1, :13], torch.from_numpy(numbers[:, :128, 128:] / 10_000).float())
    assert torch.allclose(bands[2, 13:], torch.from_numpy(radar(256, 30)[:, 128:, :128]))
    assert region.origins == ("p30",) * 4 and region.bands[8:10] == ("B8A", "B09")
    assert region.examples.inputs["wavelengths"][0, :3].tolist() == [443, 492, 560]
    assert region.examples.inputs["wavelengths"][0, 13:].isnan().all()


def test_all_igbp_classes_have_a_simple_one(tmp_path: Path) -> None:
    simple = {}
    for patch, first in enumerate(range(1, 18, 4)):
        make_patch(tmp_path, patch=patch, igbp=tuple(min(code, 17) for code in range(first, first + 4)))
    examples = read(tmp_path).examples
    for index, target in enumerate(examples.base_targets.tolist()):
        simple[min(index + 1, 17)] = target + 1
    assert [simple[code] for code in range(1, 18)] == [1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 6, 8, 9, 10]


def test_what_has_no_class_or_no_number_is_left_out(tmp_path: Path) -> None:
    make_patch(tmp_path, igbp=(1, 1, 255, 12))
    make_patch(tmp_path, patch=31)
    broken = radar(256)
    broken[0, 3, 3] = np.nan
    write_raster(tmp_path / "ROIs1158_spring" / "s1_1" / "ROIs1158_spring_s1_1_p31.tif", broken)
    region = read(tmp_path)
    assert region.examples.targets.tolist() == [0, 0, 1] and set(region.origins) == {"p30"}


def test_a_scene_with_many_patches_is_drawn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handful.data.sen12ms.MOST", 2)
    for patch in range(3):
        make_patch(tmp_path, patch=patch, igbp=(1, 1, 12, 12))
    first, again = read(tmp_path), read(tmp_path)
    assert first.examples.counts().tolist() == [2, 2] and first.origins == again.origins


def test_sites_are_season_and_scene(tmp_path: Path) -> None:
    for season, scene in (("spring", 1), ("winter", 1), ("fall", 12)):
        make_patch(tmp_path, season, scene)
    assert DATA.groups(tmp_path) == {"spring-1": "1", "fall-12": "12", "winter-1": "1"}


def test_splits(tmp_path: Path) -> None:
    for folder in SEASONS.values():
        for scene in range(1, 150):
            (tmp_path / folder / f"s2_{scene}").mkdir(parents=True)
    splits, groups = DATA.splits(tmp_path), DATA.groups(tmp_path)
    numbers = {part: text.split() for part, text in PUBLISHED.items()}
    assert [len(set(of_part)) for of_part in numbers.values()] == [75, 25, 25]
    assert len(set(sum(numbers.values(), []))) == 125
    assert splits["published"]["summer-57"] == "train" and splits["published"]["fall-141"] == "test"
    for split in ("published", "drawn"):
        by_group = {(groups[name], part) for name, part in splits[split].items()}
        assert len(by_group) == len({group for group, _ in by_group})  # a scene's seasons stay together
    assert sum(part == "train" for part in splits["drawn"].values()) == 4 * 90  # of 149, three in five
    held = [name for name, part in splits["hold-out"].items() if part == "test"]
    assert len(held) == 26 == sum(len(text.split()) for text in HOLD_OUT.values()) and "spring-63" in held


def test_missing_broken_and_odd_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="mediatum.*CC BY"):
        DATA.groups(tmp_path)
    make_patch(tmp_path)
    path = tmp_path / "ROIs1158_spring" / "lc_1" / "ROIs1158_spring_lc_1_p30.tif"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match="lc_1_p30.tif cannot be read"):
        read(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="lc_1_p30.tif is missing"):
        read(tmp_path)
    write_raster(path, np.ones((4, 200, 256), np.uint16))
    with pytest.raises(DataError, match="200 x 256"):
        read(tmp_path)
