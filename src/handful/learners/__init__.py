"""The catalogue: every learner by the name that the command line, recipes and reports use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import SettingsError, did_you_mean
from ..learner import Learner, make_checked
from .averaged_ridge import AveragedRidge
from .classical import extra_trees, logistic, nearest_mean, random_forest, svm
from .cnp import Cnp
from .fine_tune import FineTune, linear_probe, scratch
from .in_context import InContext
from .maml import Maml, first_order_maml
from .mann import Mann
from .protonet import ProtoNet, protonet_cosine
from .ridge import Ridge
from .snail import Snail

LEARNERS: dict[str, Callable[..., Learner]] = {
    "random_forest": random_forest,
    "extra_trees": extra_trees,
    "logistic": logistic,
    "svm": svm,
    "nearest_mean": nearest_mean,
    "scratch": scratch,
    "fine_tune": FineTune,
    "linear_probe": linear_probe,
    "protonet": ProtoNet,
    "protonet_cosine": protonet_cosine,
    "maml": Maml,
    "first_order_maml": first_order_maml,
    "ridge": Ridge,
    "averaged_ridge": AveragedRidge,
    "cnp": Cnp,
    "in_context": InContext,
    "mann": Mann,
    "snail": Snail,
}


def make(name: str, **settings: Any) -> Learner:
    """The learner of that name with these settings.

    >>> make("ridge", penalty=0.5).penalty
    0.5

    Raises SettingsError where the name or a setting is unknown or doesn't fit.
    """
    if name not in LEARNERS:
        raise SettingsError(f"no learner is called '{name}'. {did_you_mean(name, list(LEARNERS))}")
    return make_checked(LEARNERS[name], name, settings)


def name_of(learner: Learner) -> str:
    """A name in the catalogue under which `make` with the learner's settings gives it again."""
    return next(name for name, made in LEARNERS.items() if getattr(made, "func", made) is type(learner))
