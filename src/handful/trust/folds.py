"""Folds for validating a map: random, in blocks, or matched to the distances between the map and its labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import cKDTree
from scipy.stats import wasserstein_distance

from .dealing import TRAINING, Groups, bundle, deal, keep_classes
from .judging import cannot_judge

MOST_UNITS = 2000  # places that are clustered; the memory of hierarchical clustering grows with their square
MOST_ROWS = 5000  # labels that distances are compared on while searching
CLUSTERINGS = 20  # numbers of clusters that are tried
DEALS = 3  # ways of dealing each clustering to folds


@dataclass(frozen=True)
class Folds:
    """Which label is judged in which fold.

    kind               "random", "block" or "matched"
    fold               (m,) 0, 1, ...; -1 for a label that is always trained on and never judged
    difference_m       Wasserstein distance in metres between the two distributions of distance: judged labels to
                       training labels, and pixels of the map to labels; NaN without a map
    median_distance_m  median distance of a judged label to the nearest training label; NaN without coordinates
    map_distance_m     median distance of a pixel of the map to the nearest label; NaN without a map
    cannot_judge       sentences on what these labels can't tell
    places             (m,) what was dealt to folds as a whole (groups, blocks or clusters): the units that intervals
                       take as independent
    """

    kind: str
    fold: np.ndarray
    difference_m: float
    median_distance_m: float
    map_distance_m: float
    cannot_judge: tuple[str, ...]
    places: np.ndarray

    def __len__(self) -> int:
        return int(self.fold.max(initial=TRAINING)) + 1

    @property
    def judged(self) -> np.ndarray:
        """A mask (m,) of the labels that some fold judges."""
        return self.fold >= 0

    def splits(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Row numbers to train on and to judge, for each fold."""
        for number in range(len(self)):
            yield np.flatnonzero(self.fold != number), np.flatnonzero(self.fold == number)


def random_folds(
    targets: np.ndarray,
    groups: np.ndarray,
    folds: int = 5,
    seed: int = 0,
    *,
    metres: np.ndarray | None = None,
    map_metres: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> Folds:
    """Folds that ignore space: each class is spread over all folds. Optimistic where labels are clustered.

    targets     (m,) class indices, or floats for a quantity; all labelled
    groups      (m,) ids of what must not be parted, such as polygons
    metres      (m, 2) local coordinates, map_metres (p, 2) those of a sample of pixels to be mapped: for distances
    names       of the classes, for the sentences
    """
    bundled = bundle(targets, groups, metres)
    fold = deal(bundled.strata, _folds(folds, bundled), np.random.default_rng(seed))
    return _finish("random", fold, np.arange(len(bundled)), bundled, folds, targets, metres, map_metres, names)


def block_folds(
    metres: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    folds: int = 5,
    seed: int = 0,
    *,
    map_metres: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> Folds:
    """Folds of whole square blocks, laid at a random origin, about four blocks a fold in the labels' extent.

    Roberts et al. 2017 (doi:10.1111/ecog.02881). Arguments as in `random_folds`.
    """
    bundled, rng = bundle(targets, groups, metres), np.random.default_rng(seed)
    low, high = bundled.centres.min(0), bundled.centres.max(0)
    side = max(float((high - low).max()) / np.ceil(np.sqrt(4 * folds)), 1e-9)
    unit = _cells(bundled.centres, low - rng.random(2) * side, side)
    fold = deal(_sum_by(unit, bundled.strata), _folds(folds, bundled), rng)[unit]
    return _finish("block", fold, unit, bundled, folds, targets, metres, map_metres, names)


def matched_folds(
    metres: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    map_metres: np.ndarray,
    folds: int = 5,
    seed: int = 0,
    *,
    names: Sequence[str] = (),
) -> Folds:
    """Folds in which labels are as far from the training labels as the map's pixels are from all labels (kNNDM).

    Labels are clustered into more and more clusters, the clusters dealt to folds so that classes are spread and
    kept, and the folds taken whose distances differ least from the map's (Wasserstein distance). No fold holds more
    than half of the groups, if that can be. Linnenbrink, Mila, Ludwig & Meyer 2024 (doi:10.5194/gmd-17-5897-2024);
    dealing by class is ours. Arguments as in `random_folds`.
    """
    bundled = bundle(targets, groups, metres)
    sample = _thin(np.lexsort((metres[:, 1], metres[:, 0])))
    wanted = cKDTree(metres[sample]).query(map_metres)[0]
    best: tuple[tuple[bool, float], np.ndarray, np.ndarray] | None = None
    for fold, place in _clusterings(bundled, _folds(folds, bundled), seed):
        distance = _to_training(metres[sample], fold[bundled.of_row][sample])
        difference = wasserstein_distance(distance, wanted) if len(distance) else np.inf
        rank = (bool(np.bincount(fold + 1)[1:].max(initial=0) > max(len(bundled) / 2, 1)), round(float(difference), 6))
        if best is None or rank < best[0]:
            best = rank, fold, place
    assert best is not None
    return _finish("matched", best[1], best[2], bundled, folds, targets, metres, map_metres, names)


def _clusterings(groups: Groups, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Folds and clusters (groups,): random, then from the finest clustering (places) to one cluster a fold."""
    yield keep_classes(deal(groups.strata, folds, np.random.default_rng(seed)), groups, folds), np.arange(len(groups))
    unit = _places(groups.centres)
    units = int(unit.max()) + 1
    centres = _sum_by(unit, groups.centres) / np.bincount(unit)[:, None]
    tree = linkage(centres, "ward") if units > 1 else None
    for count in np.unique(np.geomspace(min(folds, units), units, CLUSTERINGS).round().astype(int))[::-1]:
        cluster = np.zeros(1, dtype=int) if tree is None else fcluster(tree, count, "maxclust") - 1
        cluster = np.unique(cluster, return_inverse=True)[1][unit]
        table, rng = _sum_by(cluster, groups.strata), np.random.default_rng(seed)
        for _ in range(DEALS):
            yield keep_classes(deal(table, folds, rng)[cluster], groups, folds), cluster


def _folds(folds: int, groups: Groups) -> int:
    return max(2, min(folds, len(groups)))


def _finish(
    kind: str,
    fold: np.ndarray,
    place: np.ndarray,
    groups: Groups,
    folds: int,
    targets: np.ndarray,
    metres: np.ndarray | None,
    map_metres: np.ndarray | None,
    names: Sequence[str],
) -> Folds:
    """The folds (groups,) with their classes kept, numbered without gaps and described."""
    fold = keep_classes(fold, groups, _folds(folds, groups))
    used = np.unique(fold[fold >= 0])
    of_row = np.where(fold >= 0, np.searchsorted(used, fold), TRAINING)[groups.of_row]
    distance = np.empty(0) if metres is None else _to_training(metres, of_row)
    wanted = np.empty(0) if metres is None or map_metres is None else cKDTree(metres).query(map_metres)[0]
    known = len(distance) > 0 and len(wanted) > 0
    difference = float(wasserstein_distance(distance, wanted)) if known else float("nan")
    sentences = cannot_judge(of_row, targets, groups.of_row, names, distance, wanted)
    return Folds(kind, of_row, difference, _median(distance), _median(wanted), sentences, place[groups.of_row])


def _to_training(metres: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The distance of each judged label to the nearest label of another fold, in metres."""
    away = np.full(len(fold), np.inf)
    for number in np.unique(fold[fold >= 0]):
        inside = fold == number
        if not inside.all():
            away[inside] = cKDTree(metres[~inside]).query(metres[inside])[0]
    return away[np.isfinite(away)]


def _median(distances: np.ndarray) -> float:
    return float(np.median(distances)) if len(distances) else float("nan")


def _thin(rows: np.ndarray) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(int)]


def _places(centres: np.ndarray) -> np.ndarray:
    """A unit for each group: itself, or a cell of a square grid just coarse enough where there are many."""
    if len(centres) <= MOST_UNITS:
        return np.unique(centres, axis=0, return_inverse=True)[1].reshape(-1)
    extent = float(np.ptp(centres, axis=0).max()) or 1.0
    cells = (_cells(centres, centres.min(0), extent / count) for count in MOST_UNITS / 1.5 ** np.arange(30))
    return next(unit for unit in cells if unit.max() < MOST_UNITS)


def _cells(centres: np.ndarray, origin: np.ndarray, side: float) -> np.ndarray:
    """The number of the occupied square cell in which each centre lies."""
    column, row = np.floor((centres - origin) / side).astype(np.int64).T
    return np.unique(column * (int(row.max()) + 1) + row, return_inverse=True)[1]


def _sum_by(unit: np.ndarray, table: np.ndarray) -> np.ndarray:
    total = np.zeros((int(unit.max()) + 1, table.shape[1]))
    np.add.at(total, unit, table)
    return total
