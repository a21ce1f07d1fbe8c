"""Imports point one way, and importing handful costs nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from test_measures import measures

import handful

ROOT = Path(__file__).parents[1]
PACKAGE = Path(handful.__file__).parent
MODULES = measures.read(PACKAGE)


@pytest.mark.parametrize("rule", [measures.arrows, measures.circles, measures.geography, measures.command_line])
def test_imports_point_one_way(rule):
    assert rule(MODULES).broken == []


def test_import_is_lazy():
    assert measures.lazy(PACKAGE).broken == []


@pytest.mark.parametrize("name", [n for n in handful.__all__ if n != "__version__"])
def test_every_public_name_is_there(name):
    module = getattr(getattr(handful, name), "__module__", "handful")
    assert module.startswith("handful")
    assert name in dir(handful)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Lerner'"):
        handful.Lerner  # noqa: B018


def test_every_package_that_is_imported_is_declared():
    """A wheel in an empty environment has all that the package imports, but for what the extras say."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["xarray"], *extras["hdf5"]]
    names = {d.split(">")[0].split("=")[0].replace("-", "_").lower() for d in wanted}
    names |= {"sklearn", "PIL", "affine", "markupsafe", "handful"}  # scikit-learn; pillow; rasterio's; jinja2's
    found = {name.split(".")[0] for module in MODULES for _, name in measures.imports(module)}
    assert found - names - set(sys.stdlib_module_names) == set()


def test_every_module_imports():
    for module in MODULES:
        if module.name != "__main__":
            import_module(f"handful.{module.name}" if module.name else "handful")


def test_no_pickle_and_no_unsafe_load():
    for module in MODULES:
        assert not {n.split(".")[0] for _, n in measures.imports(module)} & {"pickle", "joblib", "dill"}, module.path
        assert "torch.load(" not in module.text and "allow_pickle=True" not in module.text, module.path


def test_lock_pins_every_dependency():
    lock = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and line[0] != "#"]
    assert all(line.count("==") == 1 for line in lock) and lock[0].startswith("torch==")
    pinned = {line.split("==")[0].lower() for line in lock}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    several = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {d.split(">")[0].split("[")[0] for group in several for d in group} - {"handful"}
    assert names <= pinned


def test_version_is_said():
    run = subprocess.run([sys.executable, "-m", "handful", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"handful, version {handful.__version__}\n"
