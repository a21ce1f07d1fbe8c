"""handful: from a handful of labels to a map."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Names are imported when first used, so that `handful --help` answers at once.
WHERE = {
    "Examples": "task",
    "Task": "task",
    "Region": "region",
    "Classes": "problem",
    "Quantity": "problem",
    "Prediction": "problem",
    "Learner": "learner",
    "Predictor": "learner",
    "make": "learners",
    "Mapper": "maps.mapper",
    "FewShotClassifier": "estimators",
    "FewShotRegressor": "estimators",
}
__all__ = ["__version__", *WHERE]


def __getattr__(name: str) -> Any:
    if name in WHERE:
        return getattr(import_module(f".{WHERE[name]}", __name__), name)
    raise AttributeError(f"module 'handful' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *WHERE])
