"""The model of a map as a folder, so that another scene can be mapped with it; nothing in it is executed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import __version__
from ..checkpoint import FORMAT, RECORD, WEIGHTS, check_sizes, put_weights, read_record, read_tensors, write_tensors
from ..errors import CheckpointError, HandfulError
from ..files import checksum, write_json
from ..learners import make, name_of
from ..meta_train import part_of
from ..problem import Classes, Problem, Quantity
from ..solvers.align import Moments
from ..trust.applicability import Applicability
from ..trust.calibration import Calibration, QuantityCalibration
from .judge import ClassJudge, Judge, QuantityJudge
from .lacking import EVERY
from .look import Seen, encoders_without, support_keys
from .members import Blend, Member
from .model import Domain, MapModel, Smoothing
from .model_record import check_map_record, check_seen, rehearse
from .sight import Sight


def save_model(model: MapModel, folder: Path, **record: Any) -> None:
    """Weights, the labels' features and every constant; `model.json` comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    tensors: dict[str, Tensor] = {"targets": torch.from_numpy(model.targets)}
    fixed = [m.learner for m in model.blend.members if not m.learner.moves_encoder]
    used = {key for learner in fixed for key in support_keys(learner)}
    learners = [m.learner for m in model.blend.members]
    used |= set(encoders_without(learners, lambda learner: EVERY))
    for number, member in enumerate(model.blend.members):
        tensors |= {f"member{number}.{name}": w for name, w in member.learner.net.state_dict().items()}
    for number, key in enumerate(sorted(used)):
        tensors[f"table{number}"] = model.seen.own(key)
        if key in model.moments:
            tensors[f"mean{number}"] = model.moments[key].mean
            tensors[f"covariance{number}"] = model.moments[key].covariance
    if any(m.learner.moves_encoder for m in model.blend.members) and model.seen.windows is not None:
        tensors |= {f"windows.{name}": inputs for name, inputs in model.seen.windows.items()}
    write_tensors(folder / WEIGHTS, tensors)
    members = [
        {"name": m.name, "learner": name_of(m.learner), "settings": m.learner.settings()} for m in model.blend.members
    ]
    described = {
        "format": FORMAT,
        "handful": __version__,
        "kind": "map",
        "weights": checksum(folder / WEIGHTS),
        "problem": plain_problem(model.problem),
        "members": members,
        "tables": sorted(used),
        "smoothing": asdict(model.smoothing),
        "sight": model.sight.plain(),
        "judge": plain_judge(model.judge),
        "domain": plain_domain(model.domain),
    }
    write_json(folder / RECORD, described | record)


def load_model(folder: str | Path) -> tuple[MapModel, dict[str, Any]]:
    """The model of a map, fitted again on what it saw. Raises CheckpointError where anything is missing or odd."""
    folder = Path(folder)
    record = read_record(folder)
    if record.get("kind") != "map":
        raise CheckpointError(f"{folder} is a checkpoint of training, not the model of a map: give OUT/model.")
    tensors = read_tensors(folder / WEIGHTS)
    if record.get("weights", "") not in ("", checksum(folder / WEIGHTS)):
        raise CheckpointError(f"{folder / WEIGHTS} is not the one that {RECORD} beside it was written for.")
    try:
        check_map_record(record)
        model = rebuild(record, tensors, folder)
        rehearse(model)
        return model, record
    except CheckpointError:
        raise
    except (HandfulError, LookupError, TypeError, ValueError, RuntimeError, AttributeError, MemoryError) as why:
        raise CheckpointError(f"{folder} doesn't hold a whole model ({why}): run `handful map` again.") from why


def rebuild(record: dict[str, Any], tensors: dict[str, Tensor], folder: Path) -> MapModel:
    members = []
    for number, described in enumerate(record["members"]):
        check_sizes(described["settings"])
        learner = make(str(described["learner"]), **described["settings"])
        put_weights(learner.net, part_of(tensors, f"member{number}."), folder)
        members.append(Member(str(described["name"]), learner))
    problem, targets = problem_of(record["problem"]), tensors["targets"].numpy()
    tables = {key: tensors[f"table{number}"][:, None] for number, key in enumerate(record["tables"])}
    windows = part_of(tensors, "windows.") or None
    check_seen(problem, targets, tables, windows or {})
    seen = Seen(tables, windows, torch.ones(len(targets), 1, dtype=torch.bool), np.zeros((1, 2), int))
    blend = Blend.fit(members, seen, np.arange(len(targets)), targets, problem)
    return MapModel(
        problem,
        blend,
        judge_from(record["judge"], problem),
        Smoothing(**record["smoothing"]),
        domain_from(record["domain"], blend),
        sight_of(record["sight"]),
        seen,
        targets,
        {key: found for number, key in enumerate(tables) if (found := moments_from(tensors, number, tables[key]))},
    )


def moments_from(tensors: dict[str, Tensor], number: int, table: Tensor) -> Moments | None:
    """What the scene looks like to the encoder of a table of features; None in a model of an earlier version."""
    names, width = (f"mean{number}", f"covariance{number}"), table.shape[-1]
    if names[0] not in tensors:
        return None
    mean, covariance = (tensors[name].double() for name in names)
    if mean.shape != (width,) or covariance.shape != (width, width) or not bool(covariance.isfinite().all()):
        raise ValueError("what it says of its scene is not of its features")
    return Moments(mean, covariance)


def sight_of(plain: dict[str, Any]) -> Sight:
    waves = np.array([np.nan if w is None else w for w in plain["wavelengths"]], np.float32)
    middle, spread = np.array(plain["middle"], float), np.array(plain["spread"], float)
    others = tuple((str(other["name"]), sight_of(other)) for other in plain.get("others", []))
    codes = tuple(int(code) for code in plain.get("codes", []))
    return Sight(waves, np.array(plain["dates"], np.int64), middle, spread, float(plain["factor"]), codes, others)


def plain_problem(problem: Problem) -> dict[str, Any]:
    if isinstance(problem, Classes):
        return {"classes": list(problem.names)}
    assert isinstance(problem, Quantity)
    return {"quantity": problem.name, "unit": problem.unit}


def problem_of(plain: dict[str, Any]) -> Problem:
    if "classes" in plain:
        return Classes(tuple(str(name) for name in plain["classes"]))
    return Quantity(str(plain["quantity"]), str(plain["unit"]))


def plain_judge(judge: Judge) -> dict[str, Any]:
    if isinstance(judge, ClassJudge):
        prior = None if judge.prior is None else judge.prior.tolist()
        return {"temperature": judge.calibration.temperature, "prior": prior}
    assert isinstance(judge, QuantityJudge)
    return {"floor": judge.floor, "calibration": asdict(judge.calibration)}


def judge_from(plain: dict[str, Any], problem: Problem) -> Judge:
    if isinstance(problem, Classes):
        prior = None if plain["prior"] is None else np.array(plain["prior"])
        return ClassJudge(problem.names, Calibration(float(plain["temperature"])), prior)
    return QuantityJudge(float(plain["floor"]), QuantityCalibration(**plain["calibration"]))


def domain_from(plain: dict[str, Any] | None, blend: Blend) -> Domain | None:
    """Raises LookupError where no member has the encoder in whose features the area was drawn."""
    if plain is None:
        return None
    if plain["key"] not in blend.by_encoder:
        raise LookupError(f"its area of applicability was drawn in features of '{plain['key']}', which no member has")
    return Domain(plain["key"], np.array(plain["columns"]), area_of(plain["area"]))


def plain_domain(domain: Domain | None) -> dict[str, Any] | None:
    if domain is None:
        return None
    area = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(domain.area).items()}
    return {"key": domain.key, "columns": domain.columns.tolist(), "area": area}


def area_of(plain: dict[str, Any]) -> Applicability:
    arrays = {name: np.array(plain[name]) for name in ("mean", "scale", "weights")}
    rows = np.array(plain["rows"], np.float32)
    return Applicability(**arrays, rows=rows, average_distance=plain["average_distance"], threshold=plain["threshold"])
