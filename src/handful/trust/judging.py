"""What so few labels can't tell, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .dealing import is_quantity

LISTED = 20  # classes that a sentence names
FEW = 5  # below this many judged labels or polygons, a class's own accuracy is rough


def cannot_judge(
    fold: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    names: Sequence[str] = (),
    distance: np.ndarray | None = None,
    wanted: np.ndarray | None = None,
) -> tuple[str, ...]:
    """Sentences on what folds (m,) of labels leave unjudged.

    distance  metres from judged labels to training labels, wanted: from pixels of the map to labels; may be empty
    """
    if not (fold >= 0).any():
        few = "There is one label or polygon only" if is_quantity(targets) else "No class has two labels or polygons"
        return (f"{few}: the map's accuracy can't be judged.",)
    sentences = [_too_few_values(fold, groups)] if is_quantity(targets) else _classes(fold, targets, groups, names)
    if distance is not None and wanted is not None and len(distance) and len(wanted):
        sentences.append(_too_near(float(np.median(distance)), float(np.median(wanted))))
    return tuple(sentence for sentence in sentences if sentence)


def _classes(fold: np.ndarray, targets: np.ndarray, groups: np.ndarray, names: Sequence[str]) -> list[str]:
    judged = {int(c): len(set(groups[(targets == c) & (fold >= 0)])) for c in np.unique(targets)}
    unjudged = [_name(c, names) for c, count in judged.items() if count == 0]
    few = [f"{_name(c, names)} ({count})" for c, count in judged.items() if 0 < count < FEW]
    return [
        f"One label or polygon only, always trained on, so not judged: {listed(unjudged)}." if unjudged else "",
        f"Fewer than {FEW} labels or polygons to judge by, so their own accuracy is rough: {listed(few)}."
        if few
        else "",
    ]


def listed(names: Sequence[str], most: int = LISTED) -> str:
    """Names with commas, and how many more there are.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _name(index: int, names: Sequence[str]) -> str:
    return names[index] if index < len(names) else f"class {index}"


def _too_few_values(fold: np.ndarray, groups: np.ndarray) -> str:
    count = len(set(groups[fold >= 0]))
    return f"The error is known from {count} labels or polygons only, so it is rough." if count < 2 * FEW else ""


def _too_near(distance_m: float, wanted_m: float) -> str:
    """Said where folds can't come near to the map's distances: there the score is too good for much of the map."""
    if wanted_m <= 2 * distance_m:
        return ""
    return (
        f"Half of the map is more than {wanted_m:,.0f} m from any label, but labels are judged from "
        f"{distance_m:,.0f} m away (median): the score says little about the parts far from labels."
    )
