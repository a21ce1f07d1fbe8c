"""The check of the design's measures sees what is planted, and nothing where nothing is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "measures.py"
spec = importlib.util.spec_from_file_location("measures", TOOL)
measures = importlib.util.module_from_spec(spec)
sys.modules["measures"] = measures
spec.loader.exec_module(measures)

LEARNER = "def solve(rows):\n    prototypes = class_means(rows)\n    return prototypes @ rows\n"
CLEAN = {
    "__init__.py": "",
    "errors.py": "class HandfulError(Exception):\n    pass\n",
    "task.py": "from .errors import HandfulError\n",
    "learner.py": "from .task import HandfulError\n",
    "learners/__init__.py": "from .one import solve\n",
    "learners/one.py": "from ..learner import HandfulError\n" + LEARNER,
    "learners/two.py": "def solve(rows):\n    forest = grown_forest(rows)\n    return forest.of(rows, 300)\n",
    "maps/scene.py": "import rasterio\nfrom ..task import HandfulError\n",
    "cli/__init__.py": "import click\n",
    "cli/map.py": "import click\n\ndef command():\n    from ..maps import scene\n    return scene\n",
}


@pytest.fixture
def package(tmp_path):
    def write(files):
        for name, text in files.items():
            path = tmp_path / "handful" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "handful"

    write(CLEAN)
    return write


def test_clean_package_passes(package, capsys):
    assert measures.main([str(package({}))]) == 0
    assert "BAD" not in capsys.readouterr().out


PLANTED = {
    "an arrow up": ({"task.py": "from .learner import Learner\n"}, "task.py:1: task imports learner"),
    "an arrow up, from the package": ({"task.py": "from . import learner\n"}, "task imports learner"),
    "an arrow up, absolute": ({"task.py": "import handful.maps.scene\n"}, "task imports maps"),
    "an arrow up, inside a function": (
        {"trust/areas.py": "def f():\n    from ..maps.scene import Scene\n    return Scene\n"},
        "areas.py:2: trust imports maps",
    ),
    "an arrow up, from a package's own file": (
        {"learners/__init__.py": "from ..maps import scene\n"},
        "learners imports maps",
    ),
    "a layer without a place": ({"helpers.py": "x = 1\n"}, "'helpers' has no place"),
    "a circle": (
        {"maps/a.py": "from ..bench import b\n", "bench/b.py": "from ..maps import a\n"},
        "bench and maps import each other",
    ),
    "rasterio elsewhere": ({"trust/areas.py": "def f():\n    import rasterio\n"}, "rasterio lives in data and maps"),
    "torch at the top of a command": ({"cli/map.py": "import torch\n"}, "import torch inside the function"),
    "machinery at the top of a command": ({"cli/map.py": "from ..maps import scene\n"}, "import handful.maps"),
    "a heavy package": ({"__init__.py": "import matplotlib\n"}, "import handful loads matplotlib"),
    "a package that doesn't import": ({"__init__.py": "1 / 0\n"}, "ZeroDivisionError"),
    "a long file": ({"maps/long.py": "x = 1\n" * 301}, "long.py: 301 lines, at most 300"),
    "a long learner": ({"learners/long.py": "x = 1\n" * 121}, "long.py: 121 lines, at most 120"),
    "long learners": ({f"learners/l{i}.py": "x = 1\n" * 61 for i in range(4)}, "learner file: the median is 61"),
    "a long function": ({"task.py": "def f():\n" + "    x = 1\n" * 40}, "f has 41 lines, at most 40"),
    "long functions": (
        {"task.py": "".join(f"def f{i}():\n" + "    x = 1\n" * 8 for i in range(9))},
        "functions: the median is 9",
    ),
    "a tail of long functions": (
        {"task.py": "".join(f"def f{i}():\n" + "    x = 1\n" * 29 for i in range(2))},
        "functions: the ninth decile is 30",
    ),
    "a copied learner": ({"learners/two.py": LEARNER + "\n\nmore = 1\n"}, "stand in one.py too"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_violation_is_seen(name, package, capsys):
    files, message = PLANTED[name]
    assert measures.main([str(package(files))]) == 1
    said = capsys.readouterr().out
    assert message in said and "BAD" in said


def test_a_docstring_and_a_signature_cost_nothing(package):
    text = 'def f():\n    """One.\n' + "\n    More.\n" * 40 + '    """\n    return 1\n'
    assert measures.main([str(package({"task.py": text}))]) == 0
