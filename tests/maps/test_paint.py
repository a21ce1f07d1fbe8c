"""The same bytes whatever the window and the workers; an interrupted map goes on; nodata stays nodata."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio
import scenes
import small_map
from rasterio.crs import CRS

from handful.errors import OutputError
from handful.maps import paint as painting
from handful.maps.grid import Grid, Window
from handful.maps.model import Painted
from handful.maps.paint import Parts, assemble, paint

GRID = Grid(CRS.from_string(scenes.CRS), scenes.TRANSFORM, 80, 96)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 32 pixels, so that a small scene has twelve of them."""
    import handful.maps.blocks as blocks

    monkeypatch.setattr(blocks, "BLOCK", 32)
    monkeypatch.setattr(painting, "BLOCK", 32)


def painted(
    folder: Path, kind: str = "classes", window: int = 32, workers: int = 1, **more: object
) -> dict[str, bytes]:
    """The working rasters' bytes by name."""
    folder.mkdir(exist_ok=True)
    parts, model = Parts.of(folder, {"run": 1}), small_map.model(kind)
    paint(model, small_map.scene(), GRID, parts, probabilities=True, window=window, workers=workers, **more)
    assemble(GRID, parts, folder, model.problem.outputs)
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tif"))}


@pytest.mark.parametrize("kind", ["classes", "quantity"])
def test_the_same_bytes_for_any_window_and_workers(tmp_path: Path, kind: str) -> None:
    wanted = painted(tmp_path / "one", kind)
    assert len(wanted) == (4 if kind == "classes" else 3)
    for window, workers in ((64, 2), (1000, 1), (32, 2)):
        assert painted(tmp_path / f"{window}-{workers}", kind, window, workers) == wanted


def test_interrupted_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    wanted = painted(tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        painted(tmp_path / "broken", progress=stop)
    for thread in threading.enumerate():  # the block that was begun is finished
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(10)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "broken" / ".parts").glob("*.npz")}
    assert 5 <= len(before) < 9
    counts: list[int] = []
    assert painted(tmp_path / "broken", progress=lambda done, total: counts.append(done)) == wanted
    assert len(counts) == 9 - len(before) and counts[-1] == 9
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "broken" / ".parts").glob("*.npz")}
    assert before.items() <= after.items()


def test_blocks_of_another_run_are_dropped(tmp_path: Path) -> None:
    block = Window(0, 0, 32, 32)
    parts = Parts.of(tmp_path, {"seed": 1})
    parts.put(block, small_map.model().blank(block))
    assert Parts.of(tmp_path, {"seed": 1}).path(block).exists()
    assert not Parts.of(tmp_path, {"seed": 2}).path(block).exists()
    parts.drop()
    assert not list(tmp_path.iterdir())


def test_a_block_comes_back_as_it_was(tmp_path: Path) -> None:
    parts, block = Parts.of(tmp_path, {}), Window(32, 32, 32, 32)
    for kind in ("classes", "quantity"):
        wanted = small_map.model(kind).paint(small_map.scene(), block)
        parts.put(block, wanted)
        for name, a, b in zip(Painted._fields, wanted, parts.get(block), strict=True):
            assert (a is None and b is None) or np.array_equal(a, b, equal_nan=name != "trust"), name


def test_nodata_stays_nodata_and_pixels_are_counted(tmp_path: Path) -> None:
    parts = Parts.of(tmp_path, {})
    paint(small_map.model(), small_map.scene(), GRID, parts, probabilities=False, window=0, workers=1)
    counts = assemble(GRID, parts, tmp_path, 4)
    assert not (tmp_path / "probabilities.tif").exists()
    with rasterio.open(tmp_path / "map.tif") as raster:
        values = raster.read(1)
        assert raster.transform == scenes.TRANSFORM and raster.crs == CRS.from_string(scenes.CRS)
    valid = small_map.scene().valid
    assert np.array_equal(values > 0, valid) and counts.valid == valid.sum()
    assert np.array_equal(counts.pixels, np.bincount(values.ravel(), minlength=5))
    np.testing.assert_allclose(counts.hectares, counts.pixels * 0.01, rtol=1e-3)
    with rasterio.open(tmp_path / "confidence.tif") as raster:
        assert np.array_equal(np.isfinite(raster.read(1)), valid)


def test_a_damaged_block_of_an_interrupted_run_is_named(tmp_path: Path) -> None:
    parts = Parts.of(tmp_path, {"path": os.fsdecode(b"\xe9.tif")})
    parts.path(Window(0, 0, 8, 8)).write_bytes(b"PK\x03\x04 and no more")
    assert Parts.of(tmp_path, {"path": os.fsdecode(b"\xe9.tif")}).path(Window(0, 0, 8, 8)).exists()
    with pytest.raises(OutputError, match="0-0.npz is damaged.*remove"):
        parts.get(Window(0, 0, 8, 8))
