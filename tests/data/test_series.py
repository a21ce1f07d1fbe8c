"""Fuel moisture and algal blooms: features of months, NDVI computed anew, the order in the season, whole test sites."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_sets import write_npz

from handful.data import find_data
from handful.data.dataset import DataSet
from handful.data.sampling import Sampling
from handful.errors import DataError
from handful.learners import make
from handful.meta_train import Training, meta_train

FUEL, ALGAE = find_data("fuel-moisture"), find_data("algae-blooms")
BANDS = [
    "VV", "VH", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12", "temperature_2m",
    "total_precipitation", "elevation", "slope", "NDVI",
]  # fmt: skip
Arrays = dict[str, np.ndarray]


def arrays(months: int, first: list[int], target: list[float], latlon: list[tuple[float, float]]) -> Arrays:
    """Band k of sample i in month m is 100 i + 10 m + k, and the NDVI is wrong."""
    n = len(first)
    k, m, i = np.arange(18), np.arange(months)[:, None], np.arange(n)[:, None, None]
    return {
        "s1_s2_era5_srtm": (100 * i + 10 * m + k).astype(np.float32),
        "bands": np.array(BANDS),
        "month": (np.array(first)[:, None] + np.arange(months)) % 12,
        "latlon": np.array(latlon),
        "target": np.array(target),
        "is_test": np.zeros(n, int),
        "dynamic_world": np.zeros((n, months), np.uint8),
    }


def fuel() -> Arrays:
    """Site a in November, March, June and March again, in this order; site b once, held out."""
    found = arrays(3, [10, 2, 5, 2, 4], [90.0, 120.0, 100.0, 110.0, 80.0], [(40.5, -110.2)] * 5)
    return found | {"site": np.array(["a", "a", "a", "a", "b"]), "is_test": np.array([0, 0, 0, 0, 1])}


def algae() -> Arrays:
    places = [(38.1, -99.2), (38.9, -99.9), (38.1, -99.2), (41.0, -85.5), (-0.5, 0.5)]
    return arrays(12, [8, 3, 4, 5, 6], [3, 1, 4, 2, 5], places)


def region(data: DataSet, root: Path, name: str) -> object:
    return data.regions(root, [name], data.groups(root))[0]


def test_a_site_in_the_order_of_the_season(tmp_path: Path) -> None:
    write_npz(tmp_path / "samples.npz", fuel())
    assert FUEL.groups(tmp_path) == {"a": "", "b": ""}
    assert FUEL.splits(tmp_path) == {"official": {"a": "train", "b": "test"}}
    found = region(FUEL, tmp_path, "a")
    assert found.examples.targets.tolist() == [120.0, 110.0, 100.0, 90.0]  # two in March in the order of the file
    assert str(found.examples.problem) == "Quantity(name='fuel moisture', unit='%', outputs=1)"


def test_features_stand_under_their_names(tmp_path: Path) -> None:
    write_npz(tmp_path / "samples.npz", fuel())
    inputs = region(FUEL, tmp_path, "a").examples.inputs["bands"]
    assert inputs.shape == (4, 16 * 3 + 2 + 2) and inputs.dtype == torch.float32 and len(FUEL.bands) == 52
    first = dict(zip(FUEL.bands, inputs[0].tolist(), strict=True))  # sample 1 of the file
    assert first["VV month 1 of 3"] == 100 and first["VV month 3 of 3"] == 120 and first["B2 month 1 of 3"] == 102
    assert first["elevation"] == 115 and first["slope"] == 116
    assert first["NDVI month 2 of 3"] == pytest.approx((118 - 114) / (118 + 114))  # B8 and B4, not the band NDVI
    assert (first["season sine"], first["season cosine"]) == pytest.approx((np.sin(np.pi / 3), 0.5))  # March


def test_further_targets_of_fuel_are_land_cover_and_weather(tmp_path: Path) -> None:
    found = fuel()
    found["dynamic_world"][:, 2] = [1, 2, 9, 4, 5]  # 9: nobody knows
    write_npz(tmp_path / "samples.npz", found)
    inputs = region(FUEL, tmp_path, "a").examples.inputs
    names = dict(zip(FUEL.bands, inputs["bands"].T, strict=True))
    torch.testing.assert_close(  # samples 1, 3, 2 and 0 of the file
        inputs["also.land cover"], torch.tensor([2.0, 4.0, torch.nan, 1.0]), equal_nan=True
    )
    months = [torch.stack([names[f"{band} month {m} of 3"] for m in (1, 2, 3)])
              for band in ("temperature_2m", "total_precipitation")]  # fmt: skip
    torch.testing.assert_close(inputs["also.temperature"], months[0].mean(0))
    torch.testing.assert_close(inputs["also.rain"], months[1].sum(0))


def test_fuel_learns_several_targets_of_rows(tmp_path: Path) -> None:
    """From an encoder that isn't given the weather, which it then can tell."""
    draw, found = np.random.default_rng(0), arrays(3, [3] * 40, list(range(40)), [(40.5, -110.2)] * 40)
    warm = draw.normal(size=40)
    found["s1_s2_era5_srtm"] = draw.normal(size=(40, 3, 18)).astype(np.float32)
    found["s1_s2_era5_srtm"][..., [0, 13]] = warm[:, None, None]
    found["dynamic_world"][:, 2] = warm > 0
    write_npz(tmp_path / "samples.npz", found | {"site": np.array(["a"] * 40)})
    site = region(FUEL, tmp_path, "a")
    parts = {"modalities": ("bands[:39]", "bands[45:]"), "encoder": "table bands=46 width=8 layers=1"}
    also = ("temperature", "land cover: 9")
    learner = make("fine_tune", encoder="early", encoder_settings=parts, outputs=1, also=also, learned_weights=True)
    learner = learner.gather([site.examples])
    sampling = Sampling(shots=(5, 10), queries=20)
    meta_train(learner, lambda step: sampling.tasks([site], 1, 0, step), Training(steps=80, step_size=2e-2))
    features, (warmth, cover) = learner.net.encode(site.examples.inputs), learner.net.also.heads
    assert np.corrcoef(warmth(features)[:, 0].detach(), warm)[0, 1] > 0.9
    assert (cover(features).argmax(1).numpy() == (warm > 0)).mean() > 0.9


def test_ndvi_of_nothing_is_nought(tmp_path: Path) -> None:
    found = fuel()
    found["s1_s2_era5_srtm"][:] = 0
    write_npz(tmp_path / "samples.npz", found)
    assert bool(region(FUEL, tmp_path, "a").examples.inputs["bands"].isfinite().all())


def test_a_missing_target_is_unlabelled(tmp_path: Path) -> None:
    found = fuel()
    found["target"][1] = np.nan
    write_npz(tmp_path / "samples.npz", found)
    assert region(FUEL, tmp_path, "a").examples.counts().tolist() == [3]


def test_a_cell_of_one_degree_is_a_site(tmp_path: Path) -> None:
    write_npz(tmp_path / "samples.npz", algae())
    assert set(ALGAE.groups(tmp_path)) == {"38N100W", "41N86W", "1S0E"}
    found = region(ALGAE, tmp_path, "38N100W")
    assert found.examples.targets.tolist() == [1.0, 4.0, 3.0]
    assert found.origins[1] == found.origins[2] != found.origins[0]  # the same lake
    assert found.examples.inputs.shape == (3, 16 * 12 + 4)
    away = np.linalg.norm(found.metres[0] - found.metres[1])
    assert np.linalg.norm(found.metres[1] - found.metres[2]) == 0 and 100_000 < away < 115_000


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"bands": np.array(BANDS[::-1])}, "the bands are NDVI"),
        ({"month": np.zeros((5, 2), int)}, "'month' has rows of shape .2,., expected .3,."),
        ({"target": np.zeros(4)}, "5 series but 4 rows of 'target'"),
        ({"is_test": np.array([0, 1, 0, 0, 1])}, "site 'a' is in the test and in the training"),
        ({"s1_s2_era5_srtm": np.full((5, 3, 18), np.nan, np.float32)}, "'series' has rows without a value"),
        ({"site": np.array([{}] * 5)}, "site.npy cannot be read"),
    ],
)
def test_odd_arrays_are_refused(tmp_path: Path, change: Arrays, why: str) -> None:
    write_npz(tmp_path / "samples.npz", fuel() | change)
    with pytest.raises(DataError, match=f"samples.npz.*{why}"):
        FUEL.groups(tmp_path)
        FUEL.splits(tmp_path)


def test_what_is_missing_or_cut_short_is_named(tmp_path: Path) -> None:
    for data in (FUEL, ALGAE):
        with pytest.raises(DataError, match=f"'{data.name}'.*samples.npz.*nasaharvest/presto.*MIT"):
            data.groups(tmp_path)
    path = write_npz(tmp_path / "samples.npz", fuel())
    with pytest.raises(DataError, match="no row of the site 'c'"):
        FUEL.regions(tmp_path, ["c"], {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="samples.npz cannot be read as npz"):
        FUEL.groups(tmp_path)


def test_the_collection_itself(data_root: Path) -> None:
    import csv

    root = data_root / "fuel-moisture"
    groups, split = FUEL.groups(root), FUEL.splits(root)["official"]
    regions = FUEL.regions(root, groups, groups)
    sizes = [len(found.examples) for found in regions]
    assert len(groups) == 150 and sum(sizes) == 2313 and sizes.count(1) == 2
    with open(root / "sites.csv", encoding="utf-8") as file:
        held = {row["site"] for row in csv.DictReader(file) if float(row["test"])}
    assert {name for name, part in split.items() if part == "test"} == held and len(held) == 50
    root = data_root / "algae-blooms"
    cells = ALGAE.regions(root, ALGAE.groups(root), {})
    assert sum(len(found.examples) for found in cells) == 1122
    targets = torch.cat([found.examples.targets for found in cells])
    assert sorted(set(targets.tolist())) == [1, 2, 3, 4, 5]
