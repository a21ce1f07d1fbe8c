"""What tests share: a small scene with labels, and the data collection where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import scenes


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of HANDFUL_DATA; the test is skipped where the variable is unset."""
    root = os.environ.get("HANDFUL_DATA")
    if not root:
        pytest.skip("HANDFUL_DATA is not set: this test needs the data collection")
    return Path(root)


@pytest.fixture(scope="session")
def scene_place() -> scenes.Place:
    """What the scene of `scene_path` shows."""
    return scenes.place()


@pytest.fixture(scope="session")
def scene_path(tmp_path_factory: pytest.TempPathFactory, scene_place: scenes.Place) -> Path:
    """A GeoTIFF of 12 bands, 80 rows and 96 columns. Read only: every test of the session has it."""
    return scenes.write_scene(tmp_path_factory.mktemp("scene") / "scene.tif", scene_place.reflectance)


@pytest.fixture(scope="session")
def labels_path(tmp_path_factory: pytest.TempPathFactory, scene_place: scenes.Place) -> Path:
    """A GeoPackage with 8 points a class on the scene of `scene_path`. Read only."""
    return scenes.write_labels(tmp_path_factory.mktemp("labels") / "labels.gpkg", scene_place.truth)
