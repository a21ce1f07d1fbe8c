"""What the files of a map's model may say: checked, with bounds, before anything is built of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import Tensor

from ..problem import Classes, Problem
from .grid import Window
from .header import MOST_BANDS
from .kinds import MOST_CODES
from .model import MapModel
from .sight import Sight

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]
NotNegative = Annotated[float, Field(allow_inf_nan=False, ge=0)]
Row = list[Finite]
MOST_CLASSES = 65_534  # what a uint16 map tells apart
MOST_REACH = 200  # pixels


class Part(BaseModel):
    """A part of the record: values of the very type, further keys left alone."""

    model_config = ConfigDict(strict=True, extra="ignore")


class PlainSight(Part):
    wavelengths: Annotated[list[Finite | None], Field(min_length=1, max_length=MOST_BANDS)]
    dates: list[Annotated[int, Field(ge=0, le=MOST_BANDS)]]
    middle: Row
    spread: list[Positive]
    factor: Positive
    codes: Annotated[list[int], Field(max_length=MOST_CODES)] = []
    others: Annotated[list[PlainOther], Field(max_length=MOST_BANDS)] = []

    @model_validator(mode="after")
    def same_lengths(self) -> PlainSight:
        if {len(self.dates), len(self.middle), len(self.spread)} != {len(self.wavelengths)}:
            raise ValueError("it has not the same number of bands everywhere")
        return self


class PlainOther(PlainSight):
    name: Annotated[str, Field(min_length=1)]


class PlainSmoothing(Part):
    sigma: Annotated[float, Field(ge=0, le=MOST_REACH)]
    reach: Annotated[int, Field(ge=0, le=MOST_REACH)]


class PlainArea(Part):
    mean: Row
    scale: list[Positive]
    weights: list[NotNegative]
    rows: Annotated[list[Row], Field(min_length=1)]
    average_distance: Positive
    threshold: NotNegative


class PlainDomain(Part):
    key: str
    columns: list[Annotated[int, Field(ge=0)]]
    area: PlainArea

    @model_validator(mode="after")
    def same_lengths(self) -> PlainDomain:
        area = self.area
        if {len(part) for part in (area.mean, area.scale, area.weights, *area.rows)} != {len(self.columns)}:
            raise ValueError("it has not the same number of features everywhere")
        return self


class PlainClassJudge(Part):
    temperature: Positive
    prior: list[NotNegative] | None


class PlainErrors(Part):
    scale: NotNegative
    tolerance: NotNegative
    labels: NotNegative


class PlainQuantityJudge(Part):
    floor: NotNegative
    calibration: PlainErrors


class PlainClasses(Part):
    classes: Annotated[list[str], Field(min_length=2, max_length=MOST_CLASSES)]


class PlainQuantity(Part):
    quantity: str
    unit: str


class PlainMember(Part):
    name: str
    learner: str
    settings: dict[str, Any]


class PlainBand(Part):
    name: str


class MapRecord(Part):
    """The whole record."""

    problem: PlainClasses | PlainQuantity
    members: Annotated[list[PlainMember], Field(min_length=1, max_length=100)]
    tables: list[str]
    smoothing: PlainSmoothing
    sight: PlainSight
    judge: PlainClassJudge | PlainQuantityJudge
    domain: PlainDomain | None
    bands: list[PlainBand] = []
    colours: dict[str, str] | None = None

    @model_validator(mode="after")
    def judge_suits_problem(self) -> MapRecord:
        if isinstance(self.problem, PlainClasses) != isinstance(self.judge, PlainClassJudge):
            raise ValueError("its judge is not that of its problem")
        if isinstance(self.problem, PlainClasses) and isinstance(self.judge, PlainClassJudge):
            names, prior = self.problem.classes, self.judge.prior
            if len(set(names)) < len(names):
                raise ValueError("a class is named twice")
            if prior is not None and (len(prior) != len(names) or sum(prior) <= 0):
                raise ValueError("its prior is not one share a class")
        return self


def check_map_record(record: Mapping[str, Any]) -> None:
    """Raise ValueError, in a few words, where a record can't be that of a map's model."""
    try:
        MapRecord.model_validate(dict(record))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("Plain"))
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None


def check_seen(
    problem: Problem, targets: np.ndarray, tables: Mapping[str, Tensor], inputs: Mapping[str, Tensor]
) -> None:
    """Raise ValueError where what a model saw is not one row for each of its labels (m,), each of a class it has."""
    kind = np.dtype(np.int64 if isinstance(problem, Classes) else np.float32)
    if targets.ndim != 1 or not len(targets) or targets.dtype != kind or not np.isfinite(targets).all():
        raise ValueError("its targets are no labels")
    if isinstance(problem, Classes) and not 0 <= targets.min() <= targets.max() < problem.outputs:
        raise ValueError("a label is of no class that it names")
    for table in [*tables.values(), *inputs.values()]:
        if table.dim() < 1 or len(table) != len(targets):
            raise ValueError("it doesn't hold one row for each label")
    if any(table.dtype != torch.float32 or not bool(table.isfinite().all()) for table in tables.values()):
        raise ValueError("the features of its labels are no finite numbers")


class Plain:
    """A scene whose every pixel has the middle value of the model's own."""

    def __init__(self, sight: Sight) -> None:
        self.middle = sight.usual.astype(np.float32)

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        shape = (window.height, window.width)
        return np.broadcast_to(self.middle[:, None, None], (len(self.middle), *shape)), np.ones(shape, bool)


def rehearse(model: MapModel) -> None:
    """Map a pixel, so that a model whose parts don't fit is found out before a scene is. Raises whatever that does."""
    painted = model.paint(Plain(model.sight), Window(0, 0, 1, 1))
    if not np.isfinite(painted.confidence).all() or not np.isfinite(painted.map).all():
        raise ValueError("its answer is no finite number")
