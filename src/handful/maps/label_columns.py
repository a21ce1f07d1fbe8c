"""Columns of a vector layer: which one holds the labels, and what its values say."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from handful.errors import LabelsError, did_you_mean

HUE = re.compile(r"#[0-9a-fA-F]{6}")
HUES = ("color", "colour", "fill")
NOT_CLASSES = re.compile(
    r"(?i)^(o?g?c?_?fid(_\d+)?|id|objectid|globalid|uuid|x|y|lon|lat|long|lng|longitude|latitude)$"
)
COORDINATES = re.compile(r"(?i)^(x|y|lon|lat|long|lng|longitude|latitude|easting|northing)$")
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # controls, halves of characters
EMPTY = ("", "null", "none", "nan", "na", "<na>")


def check(name: str, table: pd.DataFrame, column: str) -> None:
    """Raise LabelsError unless the layer has the column."""
    known = [str(known) for known in table.columns]
    if column not in known:
        listing = f"Its columns: {', '.join(known)}." if known else "It has no columns."
        hint = did_you_mean(column, known)
        hint = f" {hint}" if hint.startswith("Did") else ""
        raise LabelsError(f"{name}: there is no column '{column}'.{hint} {listing}")


def only_candidate(name: str, table: pd.DataFrame) -> str:
    """The one column that can hold classes, or LabelsError that lists the columns."""
    known = [str(column) for column in table.columns]
    able = [column for column in known if _may_be_classes(column, table[column])]
    if len(able) == 1:
        return able[0]
    if not known:
        raise LabelsError(f"{name}: it has no columns, so nothing says what the labels are. Add one with the class.")
    raise LabelsError(
        f"{name}: which column holds the class? Give --class-column (or --target-column for a quantity). "
        f"Its columns: {', '.join(known)}."
    )


def _may_be_classes(column: str, values: pd.Series) -> bool:
    if NOT_CLASSES.match(column) or column.lower() in HUES:
        return False
    try:
        return len({value for value in class_names(values) if value is not None}) > 0
    except ValueError:
        return False


def class_names(values: pd.Series) -> np.ndarray:
    """The class of each feature as text, None where nobody labelled it (n,).

    Whole numbers lose their point (9.0 is `9`). Raises ValueError with the first number that is not whole.
    """
    named = np.empty(len(values), dtype=object)
    named[:] = [_class_name(value) for value in values.tolist()]
    return named


def _class_name(value: Any) -> str | None:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        if value != int(value):
            raise ValueError(value)
        return str(int(value))
    text = plain_text(str(value))
    return None if text.lower() in EMPTY else text


def plain_text(text: str) -> str:
    r"""A name as every file can hold it: single blanks, and a mark for what XML or UTF-8 has no room for.

    >>> plain_text(" a\tb\x1b ")
    'a b�'
    """
    return UNWRITABLE.sub("\ufffd", " ".join(text.split()))


def in_order(names: set[str], numbers: bool) -> tuple[str, ...]:
    """Classes in the order of a map's values: numbers by size, text by letters."""
    return tuple(sorted(names, key=lambda name: (int(name), name)) if numbers else sorted(names))


def are_numbers(values: pd.Series) -> bool:
    kinds = {type(value) for value in values.tolist() if _class_name_safe(value) is not None}
    return bool(kinds) and all(issubclass(kind, int | float) and not issubclass(kind, bool) for kind in kinds)


def _class_name_safe(value: Any) -> str | None:
    try:
        return _class_name(value)
    except ValueError:
        return str(value)


def quantities(name: str, column: str, values: pd.Series) -> np.ndarray:
    """The numbers of a column (n,), NaN where empty or infinite, or LabelsError where it holds something else."""
    numbers = np.empty(len(values))
    for place, value in enumerate(values.tolist()):
        empty = not isinstance(value, bool) and _class_name_safe(value) is None
        try:
            numbers[place] = np.nan if empty else _number(value)
        except (TypeError, ValueError, OverflowError):
            raise LabelsError(
                f"{name}: column '{column}' holds {repr(value)[:80]}, which is not a number. A quantity needs numbers; "
                "for classes give --class-column."
            ) from None
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def own_colours(table: pd.DataFrame, names: np.ndarray) -> dict[str, str]:
    """Class -> '#rrggbb' from a column color, colour or fill; the first that a class has."""
    colours: dict[str, str] = {}
    for column in table.columns:
        if str(column).lower() in HUES:
            for class_name, hue in zip(names, table[column].tolist(), strict=True):
                if class_name is not None and isinstance(hue, str) and HUE.fullmatch(hue):
                    colours.setdefault(class_name, hue.lower())
    return colours
