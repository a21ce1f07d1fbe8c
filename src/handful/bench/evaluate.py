"""How well a learner does on regions that it has never seen: the protocol behind `handful evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoint import RECORD, load
from ..data import DataSet, find_data
from ..encoders import ENCODERS
from ..errors import CheckpointError, DataError, SettingsError, did_you_mean
from ..learner import Learner
from ..learners import LEARNERS, make
from ..problem import Quantity
from ..region import Region
from ..task import Examples, Task, without_further
from ..trust.scores import balanced_accuracy, confusion
from .pool import in_order
from .statistics import interval, region_means

SPARE = 20  # labels that each class of a site must have beyond its shots
DRAWS = 5


@dataclass(frozen=True)
class Row:
    """The score of one draw of labels on one site."""

    site: str
    shots: int
    draw: int
    balanced_accuracy: float


@dataclass(frozen=True)
class Protocol:
    """Sites of a data set on disk, and the learner that they are to score: plain words, so that workers can have them.

    learner  a folder that `handful train` wrote, or a name in the catalogue
    encoder  of a learner by name; its own where empty
    """

    learner: str
    data: str
    root: str
    shots: tuple[int, ...] = (1, 5, 20)
    draws: int = DRAWS
    encoder: str = ""

    def data_set(self) -> DataSet:
        """The data set as it is under the root. Raises DataError."""
        data = find_data(self.data)
        if data.site_is != "place":
            raise SettingsError(
                f"each site of '{self.data}' is one {data.site_is} of images: compare with `handful bench`."
            )
        return data.at(self.root)

    def load(self, data: DataSet) -> tuple[Learner, dict[str, Any]]:
        """The learner and the record of its training. Raises CheckpointError, SettingsError."""
        if self.learner in LEARNERS and not (Path(self.learner) / RECORD).exists():
            return plain_learner(self.learner, data, self.root, self.encoder), {}
        if self.encoder:
            raise SettingsError("--encoder is for learners by name: a checkpoint has its own.")
        if not Path(self.learner).is_dir():
            hint = did_you_mean(self.learner, list(LEARNERS))
            raise SettingsError(f"'{self.learner}' is neither a folder of `handful train` nor a learner. {hint}")
        learner, record = load(self.learner)
        check_bands(learner, data)
        return learner, record

    def sites(self, data: DataSet, record: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
        """The group of each site to score, and the sites that are skipped: the learner was trained or chosen on them.

        Raises DataError where none is left, CheckpointError where the learner was trained on another data set.
        """
        if isinstance(data.problem, Quantity):
            raise SettingsError(f"'{self.data}' is about a quantity: balanced accuracy is for classes.")
        bands = record.get("bands")
        if bands and list(bands) != list(data.bands):
            raise CheckpointError(
                f"{self.learner} reads {', '.join(bands)}; '{self.data}' has {', '.join(data.bands)}."
            )
        groups = data.groups(self.root)
        known = {str(name) for name in [*record.get("trained", []), *record.get("validated", [])]}
        skipped = sorted(known & set(groups))
        left = {name: group for name, group in groups.items() if name not in known}
        if not left:
            raise DataError(f"{self.learner} was trained or validated on all sites of {self.root}: give it others.")
        return left, skipped


def check_bands(learner: Learner, data: DataSet) -> None:
    """Raise SettingsError where an encoder of a fixed number of bands can't read the data."""
    wanted = learner.encoder_settings.get("bands")
    if wanted not in (None, len(data.bands)):
        raise SettingsError(
            f"its encoder '{learner.encoder}' reads {wanted} bands, but '{data.name}' has {len(data.bands)}: write "
            f"bands = {len(data.bands)} in [learner.encoder_settings] and train, or give another checkpoint."
        )


def most_classes(data: DataSet, root: str | Path) -> int:
    """The outputs that a net needs; all sites are read where each has classes of its own."""
    if data.problem is not None:
        return data.problem.outputs
    groups = data.groups(root)
    return max(data.read(Path(root), site, group).examples.problem.outputs for site, group in groups.items())


def plain_learner(name: str, data: DataSet, root: str | Path, encoder: str = "") -> Learner:
    """A learner as it comes: nothing learned yet, on fixed features or a dense net of random weights.

    Raises SettingsError for an unknown encoder.
    """
    if not encoder and not make(name).meta_learned:
        return make(name)
    encoder = encoder or "dense"
    wants_bands = "bands" in signature(ENCODERS[encoder]).parameters if encoder in ENCODERS else False
    settings: dict[str, Any] = {"bands": len(data.bands)} if wants_bands else {}
    return make(name, encoder=encoder, encoder_settings=settings, outputs=most_classes(data, root))


def score_region(learner: Learner, region: Region, shots: Iterable[int], draws: Sequence[int]) -> list[Row]:
    """Balanced accuracy by argmax on every label that is not in the support, at each number of shots and draw."""
    possible = [k for k in shots if region.can_draw(k, SPARE)]
    if not possible:
        return []
    seen = encoded(learner, region)
    return [
        Row(region.name, k, draw, score_task(learner, seen.task(k, draw, spare=SPARE)))
        for k in possible
        for draw in draws
    ]


@torch.no_grad()
def encoded(learner: Learner, region: Region) -> Region:
    """The region as a table of features of its labelled rows, in their order, where adapting leaves the encoder.

    A draw of labels takes the same rows from it as from the region itself. Further targets stay behind.
    """
    examples = replace(region.examples, inputs=without_further(region.examples.inputs))
    if not learner.encodes_ahead:
        return replace(region, examples=examples)
    targets = examples.targets.flatten()
    known = examples.problem.labelled(targets)
    table = learner.table(examples.inputs)
    return replace(region, examples=Examples(table, targets, examples.problem).part(known))


def score_task(learner: Learner, task: Task) -> float:
    """Balanced accuracy of the query."""
    answers = learner.adapt(task.support).predict(task.query.inputs)
    targets = task.query.targets
    known = task.query.problem.labelled(targets)
    return balanced_accuracy(confusion(targets[known].numpy(), answers[known].numpy(), task.query.problem.outputs))


def evaluate(
    protocol: Protocol,
    workers: int = 1,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score every site that the learner hasn't seen; the result as the command's JSON has it.

    Raises DataError, CheckpointError or SettingsError.
    """
    data = protocol.data_set()
    _, record = protocol.load(data)
    groups, skipped = protocol.sites(data, record)
    if tell and skipped:
        tell(f"skipped {len(skipped)} sites that {protocol.learner} was trained or validated on")
    rows: list[Row] = []
    for done, found in enumerate(all_rows(protocol, groups, min(workers, len(groups))), start=1):
        rows += found
        if progress:
            progress(done, len(groups))
    few = sorted(set(groups) - {row.site for row in rows})
    if tell and few:
        tell(f"left out {counted(few)}: one class, or too few labels for any number of shots")
    return summary(protocol, rows, len(groups))


def counted(names: Sequence[str], most: int = 5) -> str:
    """How many sites, and the first of them by name."""
    more = ", …" if len(names) > most else ""
    return f"{len(names)} site{'s' if len(names) != 1 else ''} ({', '.join(names[:most])}{more})"


def all_rows(protocol: Protocol, groups: dict[str, str], workers: int) -> Iterator[list[Row]]:
    """The rows of each site in the order of the sites, whatever the number of workers."""
    return in_order(Work, protocol, groups.items(), workers)


class Work:
    """A worker's learner and data."""

    def __init__(self, protocol: Protocol):
        self.protocol, self.data = protocol, protocol.data_set()
        self.learner, _ = protocol.load(self.data)

    def __call__(self, site: tuple[str, str]) -> list[Row]:
        region = self.data.read(Path(self.protocol.root), *site)
        return score_region(self.learner, region, self.protocol.shots, range(self.protocol.draws))


def summary(protocol: Protocol, rows: Sequence[Row], sites: int) -> dict[str, Any]:
    """The means over draws, then over sites, with their intervals; null where no site, or too few, count."""
    shots = {}
    for k in protocol.shots:
        of_shots = [row for row in rows if row.shots == k]
        means = region_means([row.site for row in of_shots], [row.balanced_accuracy for row in of_shots])
        found = interval(list(means.values()))
        shots[str(k)] = {
            "balanced_accuracy": found.mean if np.isfinite(found.mean) else None,
            "low": found.low,
            "high": found.high,
            "sites": len(means),
        }
    return {
        "data": protocol.data,
        "checkpoint": protocol.learner,
        "sites": sites,
        "shots": shots,
        "rows": [asdict(row) for row in rows],
    }
