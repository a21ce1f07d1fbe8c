"""The examples run, and stay short enough to read at a glance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARGUMENTS = {
    "map_from_python.py": [],
    "find_objects.py": [],
    "compare_learners.py": ["1"],
    "one_more_learner.py": ["2"],
}
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def test_every_example_is_run():
    assert {script.name for script in SCRIPTS} == set(ARGUMENTS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_examples_are_short(script):
    assert len(script.read_text().splitlines()) <= 40


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_examples_run(script):
    command = [sys.executable, str(script), *ARGUMENTS[script.name]]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
