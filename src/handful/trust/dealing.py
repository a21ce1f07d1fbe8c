"""Dealing labels to folds: groups are never parted, and every training part keeps every class that it can keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MANY = 5000  # units beyond which each is dealt by its largest stratum alone
TRAINING = -1  # the fold of labels that are always trained on and never judged


@dataclass(frozen=True)
class Groups:
    """Labels bundled by group (a polygon's pixels, say), in an order that doesn't depend on the labels' order.

    of_row   (m,) the group of each label
    classes  (groups, classes) labels of each class that must be kept; one column for a quantity
    strata   (groups, strata) labels of each class, or quarter of a quantity's range, to spread over the folds
    centres  (groups, 2) in metres; zeros where coordinates aren't known
    """

    of_row: np.ndarray
    classes: np.ndarray
    strata: np.ndarray
    centres: np.ndarray

    def __len__(self) -> int:
        return len(self.classes)


def bundle(targets: np.ndarray, groups: np.ndarray, metres: np.ndarray | None = None) -> Groups:
    """The groups of labels with targets (m,) (integers: classes; floats: a quantity) and group ids (m,)."""
    ids, of_row = np.unique(groups, return_inverse=True)
    strata = quarters(targets) if is_quantity(targets) else targets
    classes = np.zeros(len(targets), dtype=int) if is_quantity(targets) else targets
    metres = np.zeros((len(targets), 2)) if metres is None else metres
    order = np.lexsort((metres[:, 1], metres[:, 0], of_row))  # sums must not depend on the order of rows
    sums = [np.bincount(of_row[order], metres[order, axis], minlength=len(ids)) for axis in (0, 1)]
    centres = np.stack(sums, axis=1) / np.bincount(of_row)[:, None]
    return Groups(of_row, _count(of_row, classes), _count(of_row, strata), centres)


def is_quantity(targets: np.ndarray) -> bool:
    return bool(np.issubdtype(targets.dtype, np.floating))


def quarters(targets: np.ndarray) -> np.ndarray:
    """The quarter of the sorted values (m,) in which each lies, 0 to 3."""
    return np.searchsorted(np.quantile(targets, (0.25, 0.5, 0.75)), targets)


def _count(of_row: np.ndarray, strata: np.ndarray) -> np.ndarray:
    names, column = np.unique(strata, return_inverse=True)
    table = np.zeros((of_row.max() + 1, len(names)))
    np.add.at(table, (of_row, column), 1)
    return table


def deal(units: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """A fold for each unit (units,) that spreads every stratum of the table (units, strata) over the folds.

    The largest unit goes first, each to the fold that holds least of its strata; ties go to the emptiest fold.
    """
    share = units / units.sum(0)
    order = rng.permutation(len(units))
    if len(units) > MANY:
        order = order[np.argsort(share.argmax(1)[order], kind="stable")]
        return np.argsort(order) % folds
    order = order[np.argsort(-share[order].sum(1).round(9), kind="stable")]
    held, fold = np.zeros((folds, units.shape[1])), np.empty(len(units), dtype=int)
    for unit in order:
        crowded, full = (held @ share[unit]).round(9), held.sum(1).round(9)
        fold[unit] = np.lexsort((rng.random(folds), full, crowded))[0]
        held[fold[unit]] += share[unit]
    return fold


def keep_classes(fold: np.ndarray, groups: Groups, folds: int) -> np.ndarray:
    """The folds (groups,) changed as little as needed so that no training part loses a class.

    A class with one group stays in training. A class that lies in one fold is cut in two across its longest extent,
    and one half moves to the emptiest other fold. Where that isn't enough, because groups hold several classes, one
    group of the class stays in training.
    """
    fold = fold.copy()
    holds = groups.classes > 0
    fold[holds[:, holds.sum(0) == 1].any(1)] = TRAINING
    for members in _confined(fold, holds):
        others = np.flatnonzero(np.arange(folds) != fold[members[0]])
        if len(others) and len(set(fold[members])) == 1:
            load = np.bincount(fold[fold >= 0], minlength=folds)
            fold[_far_half(members, groups.centres)] = others[load[others].argmin()]
    for members in _confined(fold, holds):
        fold[members[groups.classes[members].sum(1).argmin()]] = TRAINING
    return fold


def _confined(fold: np.ndarray, holds: np.ndarray) -> list[np.ndarray]:
    """The groups of each class that lies in one judged fold."""
    of_class = [np.flatnonzero(column) for column in holds.T]
    return [members for members in of_class if fold[members[0]] >= 0 and len(set(fold[members])) == 1]


def _far_half(members: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Half of the groups, cut across the longest extent of their centres."""
    around = centres[members] - centres[members].mean(0)
    axis = np.linalg.svd(around, full_matrices=False)[2][0]
    along = around @ axis
    order = np.argsort(along if axis[np.abs(axis).argmax()] > 0 else -along, kind="stable")
    return members[order[: len(members) // 2]]
