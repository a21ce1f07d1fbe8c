"""The one form that every learner has: settings, a net, and a pure `adapt(support) -> Predictor`."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, Self, dataclass_transform

import pydantic
import torch
from pydantic import ConfigDict, Field
from torch import Tensor, nn

from .augment import PIXELWISE, Step, steps_of
from .augment.ahead import averaged, looked_at, multiplied
from .encoders import make_encoder
from .encoders.named import begin_as
from .errors import SettingsError, TaskError, did_you_mean
from .problem import Classes, Prediction, Problem, Quantity
from .process import seeded
from .solvers import rows, unrows
from .task import Examples, Inputs, Task

Answer = Callable[[Inputs], Prediction]
RowAnswer = Callable[[Tensor], Prediction]
Plain = bool | int | float | str | tuple[int, ...] | tuple[str, ...]


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
def settings(cls: type) -> Any:
    """A learner's class decorator: its annotated fields are its settings, checked, unknown ones refused."""
    return pydantic.dataclasses.dataclass(kw_only=True, config=ConfigDict(extra="forbid"))(cls)


class Net(nn.Module):
    """All that is learned across tasks: an encoder of inputs, and a head on its rows.

    progress  the share of meta-training that is done, for what changes while it goes on; told before each outer step
    """

    progress: float = 1.0

    def __init__(self, encoder: nn.Module, head: nn.Module):
        super().__init__()
        self.encoder, self.head = encoder, head

    def encode(self, inputs: Inputs) -> Tensor:
        """Features (n, width) or (n, width, height, width of the image); inputs named `features` are some already."""
        if isinstance(inputs, Mapping) and "features" in inputs:
            return inputs["features"]
        return self.encoder(inputs)

    def forward(self, inputs: Inputs) -> Tensor:
        features = self.encode(inputs)
        return unrows(self.head(rows(features)), tuple(features.shape))


@dataclass(frozen=True)
class Predictor:
    """What a learner becomes once it has seen a support set: a function of inputs.

    outputs  inputs -> Prediction, in the units of the support's targets
    """

    outputs: Answer
    problem: Problem

    @torch.no_grad()
    def predict(self, inputs: Inputs) -> Tensor:
        """Class indices or values: (n,) or (n, height, width)."""
        return self.problem.decide(self.outputs(inputs))


@settings
class Learner(ABC):
    """Settings as fields; `net` is all that is learned across tasks.

    A subclass writes `solve`, where it fits a table of features, `fit`, where it needs the inputs themselves, or
    `answers`, where it iterates; and `head` or `task_loss` if it has its own.

    encoder           name of the encoder, see handful.encoders
    encoder_settings  its settings
    outputs           columns of a head of fixed width: the most classes that a task may have
    seed              of the initial weights, and of anything drawn while adapting
    augment           changes by which `copies` of each example of the support are made, see handful.augment: "turns"
    views             quarter turns (4), or these and their mirrors (8), over which answers are averaged
    level             mean and deviation of the quantity over all that it is trained on, which `gather` takes; a task's
                      own where empty
    """

    encoder: str = "spectral"
    encoder_settings: dict[str, Plain] = Field(default_factory=dict)
    outputs: int = Field(default=2, ge=1)
    seed: int = 0
    augment: tuple[str, ...] = ()
    copies: int = Field(default=4, ge=1, le=64)
    views: Literal[1, 4, 8] = 1
    level: tuple[float, ...] = ()

    meta_learned: ClassVar[bool] = True  # False: nothing is learned across tasks
    transductive: ClassVar[bool] = False  # True: reads the query's inputs, and is marked so in tables
    pools_classes: ClassVar[bool] = False  # True: pretrains on the classes that regions share, a column each
    column_a_class: ClassVar[bool] = False  # True: the head has a column for each class of a task, `outputs` of them
    keeps_rows: ClassVar[bool] = False  # True: keeps rows of the regions, whose answers must mean the same everywhere
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes, Quantity)

    def __post_init__(self) -> None:
        self.changes: tuple[Step, ...] = steps_of(self.augment)
        self.net = self.fresh_net().requires_grad_(self.meta_learned).eval()

    def fresh_net(self) -> Net:
        """The net before anything was learned; the same for the same seed."""
        with seeded(self.seed):
            encoder = make_encoder(self.encoder, self.encoder_settings, self.named)
            return Net(encoder, self.head(encoder))

    @property
    def named(self) -> dict[str, int]:
        """Inputs that this learner gives beside the examples, and their lengths; see handful.encoders.named."""
        return {}

    @property
    def moves_encoder(self) -> bool:
        """Whether adapting changes the features: by `moves`, prefixes of what moves, or by `own_statistics`."""
        moves = getattr(self, "moves", "head.")
        several = [moves] if isinstance(moves, str) else moves
        return self.own_statistics or any(not prefix.startswith("head") for prefix in several)

    @property
    def own_statistics(self) -> bool:
        return getattr(self.net.encoder, "own_statistics", False)

    @property
    def encodes_ahead(self) -> bool:
        """Whether `table` has all that it reads of an example, whatever the task is."""
        return not self.moves_encoder and all(step.name in PIXELWISE for step in self.changes)

    @property
    def reads_query(self) -> bool:
        """Whether an answer depends on what else is asked, which tables must say: by its kind or its encoder's."""
        return self.transductive or self.own_statistics

    @property
    def limited(self) -> bool:
        """Whether a task may have no more classes than `outputs`: by its kind, or by a setting `prior_mean`."""
        return self.column_a_class or getattr(self, "prior_mean", False)

    def head(self, encoder: nn.Module) -> nn.Module:
        return nn.Identity()

    def take_encoder(self, encoder: nn.Module) -> None:
        """Begin with the weights of another learner's encoder of the same settings. Raises SettingsError, see there."""
        begin_as(self.net.encoder, encoder)

    def lent_encoder(self) -> nn.Module:
        """The encoder as another learner begins with it."""
        return self.net.encoder  # type: ignore[return-value]

    def gather(self, sets: Iterable[Examples]) -> Self:
        """The learner with the constants of the examples that it is trained on, before any training.

        Statistics of a table's features, where its encoder notes them, and the level of a quantity.
        """
        if not self.meta_learned:
            return self
        known, note = list(sets), getattr(self.net.encoder, "note", None)
        if note is not None:
            note([examples.inputs for examples in known])
        same = len({examples.problem.means for examples in known}) == 1
        level = known[0].problem.level([examples.targets for examples in known]) if same else ()
        found = replace(self, level=level)
        found.net.load_state_dict(self.net.state_dict())
        return found

    def settle(self, sets: Iterable[Examples]) -> Self:
        """The learner with what its head must know of the examples that its encoder learned from.

        For one that stands on another's encoder, such as SimpleShot, whose base mean is noted while it trains.
        """
        return self

    def adapt(self, support: Examples) -> Predictor:
        """Learn from the support set; leaves the learner as it was, and is differentiable while `net` trains.

        Raises TaskError where this learner can't do the problem, or so many classes, or the support is empty.
        """
        *_, found = self.path(support)
        return found

    def multiplied(self, support: Examples) -> Examples:
        """The support with its changed copies: the same for the same seed, and drawn anew while the net trains."""
        seed = int(torch.randint(2**31, ())) if self.net.training and self.changes else abs(self.seed)
        return multiplied(support, self.changes, self.copies, seed)

    def standardised(self, support: Examples) -> Examples:
        """The support set as a learner fits it."""
        return replace(support, targets=support.problem.standardise(support.targets, self.like(support.targets)))

    def like(self, targets: Tensor) -> Tensor:
        """Targets whose mean and deviation are those that a task's are standardised with."""
        if not self.level:
            return targets
        mean, deviation = self.level
        return torch.tensor([mean - deviation, mean + deviation]).to(targets)

    def predictor(self, answer: Answer, support: Examples) -> Predictor:
        """An answer that was fitted on the standardised support, in units, and averaged over views."""
        problem, views = support.problem, 1 if self.net.training else self.views
        like = self.like(support.targets)
        return Predictor(averaged(lambda inputs: problem.restore(answer(inputs), like), views, problem), problem)

    def check(self, support: Examples) -> None:
        if not isinstance(support.problem, self.problems):
            can = " or ".join(p.__name__.lower() for p in self.problems)
            asked = type(support.problem).__name__.lower()
            raise TaskError(f"{type(self).__name__} learns {can}, and was given {asked}: choose another learner.")
        if not bool(support.problem.labelled(support.targets).any()):
            raise TaskError("nothing is labelled in the support: give at least one label.")
        if self.limited and support.problem.outputs > self.outputs:
            raise TaskError(
                f"{support.problem.outputs} classes, but the head of {type(self).__name__} has {self.outputs} "
                f"columns: train it with outputs = {support.problem.outputs}, or give fewer classes."
            )

    def fit(self, support: Examples) -> Answer:
        """A function of inputs, from a support set whose quantities are standardised."""
        return self.on_rows(self.solve(*self.labelled_rows(support), support.problem))

    def on_rows(self, decide: RowAnswer) -> Answer:
        """A function of inputs, from one of rows."""

        def answer(inputs: Inputs) -> Prediction:
            features = self.net.encode(inputs)
            parts, shape = decide(rows(features)), tuple(features.shape)
            return Prediction(*(None if part is None else unrows(part, shape) for part in parts))  # type: ignore[arg-type]

        return answer

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        """A function of rows (rows, width), from labelled rows and their targets (rows,)."""
        raise NotImplementedError(f"{type(self).__name__} writes none of `solve`, `fit` and `answers`")

    def answers(self, support: Examples) -> Iterator[Answer]:
        """What `fit` gives, from the start of a learner that iterates to its end."""
        yield self.fit(support)

    def path(self, support: Examples) -> Iterator[Predictor]:
        """The predictors along the way of an iterative learner, the last one being `adapt`'s. Raises as `adapt`."""
        self.check(support)
        support = self.multiplied(support)
        return (self.predictor(answer, support) for answer in self.answers(self.standardised(support)))

    def task_loss(self, task: Task) -> Tensor:
        """What meta-training makes small: by default the query's loss after adapting on the support."""
        task = self.encoded(task)
        return task.query.problem.loss(self.adapt(task.support).outputs(task.query.inputs), task.query.targets)

    def encoded(self, task: Task) -> Task:
        """The task with its inputs encoded once, where support and query share them and adapting leaves them."""
        if not task.shared or self.moves_encoder or self.changes or self.views > 1:
            return task
        features = {"features": self.net.encode(task.support.inputs)}
        return replace(task, support=replace(task.support, inputs=features), query=replace(task.query, inputs=features))

    def table(self, inputs: Inputs) -> dict[str, Tensor]:
        """Features (rows, width) of inputs, and of the copies and views that it adapts to and answers."""
        return looked_at(self.net.encode, inputs, self.changes, self.copies, self.views, abs(self.seed))

    def labelled_rows(self, examples: Examples) -> tuple[Tensor, Tensor]:
        """Encoded features (rows, width) and targets (rows,) of all that is labelled."""
        targets = examples.targets.flatten()
        known = examples.problem.labelled(targets)
        return rows(self.net.encode(examples.inputs))[known], targets[known]

    def own_step_sizes(self) -> dict[str, float]:
        """Learned weights that meta-training moves by a step size of their own, by name."""
        return {}

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for a recipe or a checkpoint."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


def make_checked(factory: Callable[..., Learner], name: str, values: Mapping[str, Any]) -> Learner:
    """The learner with these settings. Raises SettingsError that names the setting, and those it may have meant."""
    try:
        return factory(**values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        cls = getattr(factory, "func", factory)
        if first["type"] == "unexpected_keyword_argument":
            known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
            raise SettingsError(f"learner '{name}' has no setting '{key}'. {did_you_mean(key, known)}") from None
        if not key:  # nothing that came from outside, but what the learner made of it
            raise SettingsError(f"learner '{name}': {first['msg']}.") from None
        shown = repr(first["input"])[:80]
        raise SettingsError(f"setting '{key}' of learner '{name}' is {shown}: {first['msg'].lower()}.") from None
