"""The wheel carries all that the command needs: built, installed elsewhere, and mapped with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ("src", "pyproject.toml", "README.md", "LICENSE", "NOTICE")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that nothing is left in the tree, without a network."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    build = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(copy)]
    subprocess.run(build, check=True)
    return next(out.glob("handful-*.whl"))


@pytest.mark.slow
def test_wheel_carries_every_file(wheel):
    packed = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    package = ROOT / "src" / "handful"
    files = {p.relative_to(ROOT / "src") for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert files - packed == set()
    assert {p.name for p in packed} >= {"py.typed", "spectra.npz", "LICENSE", "NOTICE"}


@pytest.mark.slow
def test_wheel_maps_elsewhere(wheel, tmp_path, scene_path, labels_path):
    site, out = tmp_path / "site", tmp_path / "out"
    subprocess.run([*PIP, "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)], check=True)
    command = [str(site / "bin" / "handful"), "map", str(scene_path), str(labels_path), "--class-column", "class"]
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, *command, "-o", str(out), "--json"],
        cwd=tmp_path, env=clean, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["classes"] == ["crop", "forest", "soil", "water"]
    assert {p.name for p in out.iterdir()} >= {"map.tif", "confidence.tif", "trust.tif", "report.html", "run.json"}
