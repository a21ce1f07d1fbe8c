"""The catalogue: every learner by the name that the command line, recipes and reports use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import SettingsError, did_you_mean
from ..learner import Learner, make_checked
from .aligned import Aligned, align_statistics
from .alpaca import ALPaCA
from .alpha_maml import AlphaMaml
from .averaged_ridge import AveragedRidge
from .baseline import Baseline, baseline_plus_plus
from .bayesian_maml import BayesianMaml
from .bias_transformation import BiasTransformation
from .cavia import Cavia
from .classical import extra_trees, logistic, mean, nearest_mean, random_forest, svm
from .cnp import Cnp
from .dann import Dann
from .dkt import DKT, dkt_radial
from .dual_simclr import DualSimCLR
from .episodic import Episodic
from .fine_tune import FineTune, linear_probe, scratch
from .hallucinate import Hallucinate, hallucinate_analogy
from .imaml import Imaml
from .in_context import InContext
from .laplacian_shot import LaplacianShot
from .lrd2 import LRD2
from .lstm_meta_learner import LstmMetaLearner
from .maml import Maml, anil, boil, first_order_maml
from .maml_plus_plus import MamlPlusPlus
from .mann import Mann
from .matching import Matching, matching_fce
from .meta_sgd import MetaSgd
from .metaoptnet import MetaOptNet
from .meteor import Meteor
from .panet import PANet
from .pcoc import PCOC
from .pooled import Pooled
from .proto_maml import ProtoMaml, first_order_proto_maml
from .protonet import ProtoNet, protonet_cosine
from .pt_map import PtMap
from .relation import Relation
from .reptile import Reptile
from .ridge import Ridge, r2d2
from .several_prototypes import SeveralPrototypes
from .siamese import Siamese
from .simclr import SimCLR
from .simmim import SimMIM
from .simpleshot import SimpleShot
from .snail import Snail
from .tim import Tim, tim_adm
from .timl import Timl
from .versa import Versa

LEARNERS: dict[str, Callable[..., Learner]] = {
    # plain comparisons: nothing is learned across tasks
    "random_forest": random_forest,
    "extra_trees": extra_trees,
    "logistic": logistic,
    "svm": svm,
    "nearest_mean": nearest_mean,
    "mean": mean,
    "scratch": scratch,
    # labels of other regions, pooled
    "pooled": Pooled,
    "align_statistics": align_statistics,
    "coral": Aligned,
    "dann": Dann,
    "episodic": Episodic,
    "fine_tune": FineTune,
    "linear_probe": linear_probe,
    "baseline": Baseline,
    "baseline_plus_plus": baseline_plus_plus,
    "simpleshot": SimpleShot,
    "tim_gd": Tim,
    "tim_adm": tim_adm,
    "laplacian_shot": LaplacianShot,
    "pt_map": PtMap,
    # images without labels
    "simclr": SimCLR,
    "dual_simclr": DualSimCLR,
    "simmim": SimMIM,
    # comparison with the labelled examples
    "siamese": Siamese,
    "matching": Matching,
    "matching_fce": matching_fce,
    "relation": Relation,
    "protonet": ProtoNet,
    "protonet_cosine": protonet_cosine,
    "panet": PANet,
    "several_prototypes": SeveralPrototypes,
    # a head solved for each task, on learned features
    "ridge": Ridge,
    "averaged_ridge": AveragedRidge,
    "r2d2": r2d2,
    "lrd2": LRD2,
    "metaoptnet": MetaOptNet,
    "alpaca": ALPaCA,
    "pcoc": PCOC,
    "dkt": DKT,
    "dkt_radial": dkt_radial,
    "versa": Versa,
    "hallucinate": Hallucinate,
    "hallucinate_analogy": hallucinate_analogy,
    # gradient descent from a learned start
    "maml": Maml,
    "first_order_maml": first_order_maml,
    "anil": anil,
    "boil": boil,
    "proto_maml": ProtoMaml,
    "first_order_proto_maml": first_order_proto_maml,
    "maml_plus_plus": MamlPlusPlus,
    "meta_sgd": MetaSgd,
    "alpha_maml": AlphaMaml,
    "bias_transformation": BiasTransformation,
    "cavia": Cavia,
    "timl": Timl,
    "meteor": Meteor,
    "imaml": Imaml,
    "reptile": Reptile,
    "lstm_meta_learner": LstmMetaLearner,
    "bayesian_maml": BayesianMaml,
    # one net reads all labels
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
