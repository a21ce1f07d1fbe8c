"""Previews show every so many pixels of the scene itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import scenes

from handful.maps.grid import Window
from handful.maps.pictures import preview, thin_scene
from handful.maps.scene import Scene


@pytest.mark.parametrize("step", [1, 3, 32, 45, 500])
def test_every_so_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    import handful.maps.blocks as blocks

    monkeypatch.setattr(blocks, "BLOCK", 32)
    made = scenes.place().reflectance
    one = scenes.write_scene(tmp_path / "one.tif", (made[:1] * 9000).astype(np.uint16), None)
    made[:, 10:50, 20:40] = 0
    scene = Scene.open([str(scenes.write_scene(tmp_path / "scene.tif", made))])
    values, valid = thin_scene(scene, [7, 3, 2], step)
    whole, known = scene.read(Window(0, 0, 80, 96))
    np.testing.assert_array_equal(values, whole[[7, 3, 2]][:, ::step, ::step])
    np.testing.assert_array_equal(valid, known[::step, ::step])
    with rasterio.open(one) as raster:
        np.testing.assert_array_equal(preview(one, step), raster.read(1)[::step, ::step])
