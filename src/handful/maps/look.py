"""What the encoders see at labels and around them: the tables that learners are fitted and validated on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..augment.ahead import copy_of, view_of
from ..augment.moves import TURNS
from ..encoders.modality import known
from ..learner import Learner
from .blocks import grown
from .grid import Window
from .lacking import EVERY, Pattern, number_of, patterns, read_by, table_key, without
from .sight import Sight

TILE = 32  # labels of one tile of so many pixels a side are looked at together


class Readable(Protocol):
    """A scene, as far as it is read here."""

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]: ...


Encode = Callable[[Mapping[str, Tensor]], Tensor]


def encoder_key(learner: Learner) -> str:
    """Learners with one key have one encoder with the same settings, and the same weights."""
    digest = hashlib.sha256()
    for weight in learner.net.encoder.state_dict().values():  # type: ignore[operator]
        digest.update(weight.numpy().tobytes())
    learned = f" {digest.hexdigest()[:16]}" if learner.net.encoder.state_dict() else ""  # type: ignore[operator]
    return f"{learner.encoder}{json.dumps(learner.encoder_settings, sort_keys=True)}{learned}"


def places(reach: int, stride: int) -> np.ndarray:
    """Offsets (places, 2) of rows and columns around a pixel, every `stride` pixels, the pixel itself in the middle."""
    line = np.arange(-reach, reach + 1, stride)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class Seen:
    """What was seen at m labels.

    tables   encoder key -> features (m, places, width); the label's own place is the middle one. Those that were seen
             without something have the label's own place alone
    windows  inputs (m, bands, side, side) by modality, for learners that move their encoder; or None
    valid    (m, places) which places carry data
    offsets  (places, 2) rows and columns of the places around a label
    missing  name to where what lies beside the scene under it is missing (m, places)
    """

    tables: dict[str, Tensor]
    windows: dict[str, Tensor] | None
    valid: Tensor
    offsets: np.ndarray
    missing: dict[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.valid)

    @property
    def middle(self) -> int:
        return self.valid.shape[1] // 2

    def own(self, key: str) -> Tensor:
        """Features (m, width) of the labels' own pixels."""
        table = self.tables[key]
        return table[:, table.shape[1] // 2]

    def lacking(self, names: Pattern) -> Tensor:
        """(m, places): the number of the pattern of what is missing there, among these names."""
        if not names or not self.missing:
            return torch.zeros(self.valid.shape, dtype=torch.long)
        return number_of([self.missing[name] for name in names])

    def weights(self, sigma: float) -> Tensor:
        """(m, places) of a Gaussian mean over valid places, each row summing to 1; a sigma of 0 is the label alone."""
        away = torch.from_numpy(self.offsets.astype(np.float32)).square().sum(1)
        line = torch.exp(-0.5 * away / sigma**2) if sigma else (away == 0).float()
        weights = self.valid * line
        return weights / weights.sum(1, keepdim=True).clamp(min=1e-6)

    def pick(self, index: np.ndarray) -> Seen:
        """What was seen at some of the labels."""
        chosen = torch.from_numpy(index)
        windows = None if self.windows is None else {key: inputs[chosen] for key, inputs in self.windows.items()}
        tables = {key: table[chosen] for key, table in self.tables.items()}
        missing = {name: places[chosen] for name, places in self.missing.items()}
        return Seen(tables, windows, self.valid[chosen], self.offsets, missing)

    def alone(self) -> Seen:
        """Only the labels' own pixels, without their neighbours."""
        own = slice(self.middle, self.middle + 1)
        tables = {key: self.own(key)[:, None] for key in self.tables}
        missing = {name: places[:, own] for name, places in self.missing.items()}
        return Seen(tables, self.windows, torch.ones(len(self), 1, dtype=torch.bool), self.offsets[own], missing)

    def places_in(self, side: int) -> Tensor:
        """Indices of the places in a flattened window of `side` pixels around a label."""
        return torch.from_numpy((self.offsets + side // 2) @ np.array([side, 1]))


@torch.no_grad()
def look(
    scene: Readable,
    sight: Sight,
    encoders: Mapping[str, tuple[Encode, int]],
    rows: np.ndarray,
    columns: np.ndarray,
    offsets: np.ndarray,
    window_reach: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Seen:
    """See the pixels at (rows, columns): tables of every encoder (key -> how it encodes, its reach).

    offsets       (places, 2) rows and columns around each pixel at which it is seen as well
    window_reach  reach of the raw windows to keep as well, or None
    """
    around = int(np.abs(offsets).max(initial=0))
    margin = around + max([reach for _, reach in encoders.values()] + [window_reach or 0])
    m, side = len(rows), 2 * (around + (window_reach or 0)) + 1
    tables: dict[str, Tensor] = {}
    missing = {name: torch.zeros(m, len(offsets), dtype=torch.bool) for name in sight.names}
    seen_valid = torch.zeros(m, len(offsets), dtype=torch.bool)
    windows: list[dict[str, Tensor]] = [{}] * m
    tiles = list(tiles_of(rows, columns))
    for done, (tile, members) in enumerate(tiles):
        values, valid = scene.read(grown(tile, margin))
        inputs = sight.inputs(values[None])
        r, c = rows[members] - tile.row + margin, columns[members] - tile.column + margin
        at_rows, at_columns = r[:, None] + offsets[:, 0], c[:, None] + offsets[:, 1]
        seen_valid[torch.from_numpy(members)] = torch.from_numpy(valid[at_rows, at_columns])
        for name, places in missing.items():
            places[torch.from_numpy(members)] = ~known(inputs[name])[0, 0][at_rows, at_columns]
        for key, (encode, _) in encoders.items():
            seen = encode(inputs)[0][:, at_rows, at_columns].permute(1, 2, 0)
            if key not in tables:
                tables[key] = torch.zeros(m, *seen.shape[1:])
            tables[key][torch.from_numpy(members)] = seen
        if window_reach is not None:
            for i, top, left in zip(members, r - side // 2, c - side // 2, strict=True):
                patch = (slice(None), slice(top, top + side), slice(left, left + side))
                windows[i] = {k: v[0][patch] if v.dim() == 4 else v[0] for k, v in inputs.items()}
        if progress:
            progress(done + 1, len(tiles))
    stacked = None if window_reach is None else {k: torch.stack([w[k] for w in windows]) for k in windows[0]}
    return Seen(tables, stacked, seen_valid, offsets, missing)


def tiles_of(rows: np.ndarray, columns: np.ndarray) -> Iterator[tuple[Window, np.ndarray]]:
    """The tiles that hold labels, and which labels each holds."""
    place = np.stack([rows // TILE, columns // TILE], axis=1)
    for row, column in np.unique(place, axis=0):
        members = np.flatnonzero((place == (row, column)).all(1))
        yield Window(int(row) * TILE, int(column) * TILE, TILE, TILE), members


def support_keys(learner: Learner) -> list[str]:
    """The tables in which a learner's support is found: its encoder's, and those of its changed copies."""
    key, told = encoder_key(learner), ",".join(learner.augment)
    return [key, *(f"{key} {told} copy {number}" for number in range(learner.copies if told else 0))]


def view_keys(learner: Learner) -> list[str]:
    """The tables of the views over which a learner's answers are averaged, the scene as it is first."""
    key = encoder_key(learner)
    return [key, *(f"{key} view {number}" for number in range(1, learner.views))]


def encoders_of(learners: Sequence[Learner]) -> dict[str, tuple[Encode, int]]:
    """Every encoder of learners that don't move theirs, by key; seen through each of their changes and views too.

    A changed copy is the whole scene seen once more, so that labels of one copy have one sky.
    """
    found: dict[str, tuple[Encode, int]] = {}
    for learner in learners:
        if not learner.moves_encoder:
            encode, reach = learner.net.encode, int(learner.net.encoder.reach)  # type: ignore[arg-type]
            copies = [copy_of(encode, learner.changes, abs(learner.seed), n) for n in range(learner.copies)]
            views = [view_of(encode, turn) for turn in TURNS[1 : learner.views]]
            keys = [*support_keys(learner), *view_keys(learner)[1:]]
            every = [encode, *copies[: len(support_keys(learner)) - 1], *views]
            found |= {key: (how, reach) for key, how in zip(keys, every, strict=True)}
    return found


def encoders_without(
    learners: Sequence[Learner], numbers: Callable[[Learner], Collection[int]]
) -> dict[str, tuple[Encode, int]]:
    """The same encoders reading what lies beside the scene but for what some patterns name, by key.

    numbers  of a learner's patterns
    """
    return {
        table_key(encoder_key(learner), pattern): (
            partial(encode_without, learner, pattern),
            int(learner.net.encoder.reach),  # type: ignore[arg-type]
        )
        for learner in learners
        if not learner.moves_encoder
        for number, pattern in enumerate(patterns(read_by(learner)))
        if pattern and number in numbers(learner)
    }


def encode_without(learner: Learner, pattern: Pattern, inputs: Mapping[str, Tensor]) -> Tensor:
    """Features of inputs with some of them taken away."""
    return learner.net.encode(without(inputs, pattern))


def look_without(
    seen: Seen,
    scene: Readable,
    sight: Sight,
    learners: Sequence[Learner],
    rows: np.ndarray,
    columns: np.ndarray,
    every: bool = False,
) -> Seen:
    """See the labels' own pixels again, without what patterns name: those that occur among them, or every one."""

    def numbers(learner: Learner) -> Collection[int]:
        return EVERY if every else set(seen.lacking(read_by(learner)).unique().tolist())

    more = {key: encoder for key, encoder in encoders_without(learners, numbers).items() if key not in seen.tables}
    if not more:
        return seen
    found = look(scene, sight, more, rows, columns, places(0, 1))
    return replace(seen, tables={**seen.tables, **found.tables})
