"""Labels: which pixels of a scene somebody labelled, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from handful.errors import LabelsError
from handful.maps import label_columns, label_raster, label_styles, vectors
from handful.maps.grid import Grid
from handful.maps.label_columns import plain_text
from handful.maps.label_pixels import Pixels, burnt, settle
from handful.maps.placing import Features, Parts, count, extents, place
from handful.maps.thinning import Thinned
from handful.problem import Classes, Problem, Quantity

MOST_QUANTITY = 1e15


@dataclass(frozen=True)
class Labels:
    """Labelled pixels of one scene, a row each.

    name           what messages call them: the path
    rows, columns  of the pixels in the scene (m,)
    targets        class indices (m,) int64, or values (m,) float32
    groups         the feature that each pixel comes from (m,)
    problem        Classes or Quantity
    colours        class -> '#rrggbb', where the labels bring their own
    notes          what was left out, mended or assumed: sentences for a person
    """

    name: str
    rows: np.ndarray
    columns: np.ndarray
    targets: np.ndarray
    groups: np.ndarray
    problem: Problem
    colours: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def keep(self, mask: np.ndarray, why: str = "on pixels without data") -> Labels:
        """These labels without the rows outside `mask` (m,), and without the classes that lose their last one.

        Raises LabelsError where nothing is left.
        """
        mask, gone = np.asarray(mask, dtype=bool), int((~np.asarray(mask, dtype=bool)).sum())
        if not gone:
            return self
        if gone == len(self):
            raise LabelsError(f"{self.name}: none of its {gone:,} labelled pixels is left: all are {why}.")
        notes = [*self.notes, f"{gone:,} labelled pixel{'s' if gone > 1 else ''} {why}: left out."]
        rows = {key: getattr(self, key)[mask] for key in ("rows", "columns", "targets", "groups")}
        return replace(self, **rows, notes=notes)._without_empty_classes()

    def require_enough(self) -> None:
        """Raise LabelsError unless there is something to tell apart, or two values to learn from."""
        if isinstance(self.problem, Quantity) and len(self) < 2:
            raise LabelsError(
                f"{self.name}: one labelled pixel alone, and a map of a quantity needs two at least: add labels."
            )
        if isinstance(self.problem, Classes) and self.problem.outputs < 2:
            raise LabelsError(
                f"{self.name}: every label is '{self.problem.names[0]}', and a map tells at least two classes "
                "apart. Add labels of another class (what the scene shows besides), or give another --class-column."
            )

    def _without_empty_classes(self) -> Labels:
        if not isinstance(self.problem, Classes):
            return self
        used, targets = np.unique(self.targets, return_inverse=True)
        names = tuple(self.problem.names[index] for index in used.tolist())
        lost = [name for name in self.problem.names if name not in names]
        notes = [*self.notes, f"No label is left of: {', '.join(lost)}."] if lost else self.notes
        colours = {name: hue for name, hue in self.colours.items() if name in names}
        return replace(self, targets=targets, problem=Classes(names), colours=colours, notes=notes)


def read_labels(
    source: Any,
    grid: Grid,
    *,
    class_column: str | None = None,
    target_column: str | None = None,
    unit: str = "",
    labels_crs: Any = None,
    layer: str | None = None,
    limit: int | None = 2000,
    seed: int = 0,
) -> Labels:
    """Read labels and find their pixels in a scene's grid.

    source         a path (GeoPackage, GeoJSON, Shapefile, FlatGeobuf, CSV, GeoTIFF), a GeoDataFrame, an open
                   rasterio dataset or an array on the scene's grid
    class_column   the column with the class; needn't be given where only one column can hold it
    target_column  the column with a number, for a map of a quantity in `unit`; names the quantity of a raster
    labels_crs     the CRS of labels that don't say theirs, or say it wrongly
    limit          pixels of a class that are used at most, chosen with `seed` and spread over features; None for all

    Raises LabelsError, with the remedy, for whatever cannot be used.
    """
    if class_column is not None and target_column is not None:
        raise LabelsError("Labels are classes or a quantity: give --class-column or --target-column, not both.")
    asked = Asked(grid, class_column, target_column, unit, limit, seed)
    if label_raster.is_raster(source):
        return _from_raster(source, labels_crs, asked)
    wanted = class_column if class_column is not None else target_column
    features = vectors.read_features(source, grid, labels_crs=labels_crs, layer=layer, column=wanted)
    return _from_features(features, asked)


@dataclass(frozen=True)
class Asked:
    """What the caller wants of the labels, whatever they are stored in."""

    grid: Grid
    class_column: str | None
    target_column: str | None
    unit: str
    limit: int | None
    seed: int


def _from_features(features: Features, asked: Asked) -> Labels:
    column, notes = _column(features, asked)
    values, names, colours = _values(features, column, asked)
    named = np.isfinite(values)
    if not named.any():
        raise LabelsError(f"{features.name}: column '{column}' is empty in all of its {len(values):,} features.")
    if not named.all():
        count(notes, int((~named).sum()), f"with nothing in '{column}': left out, not taken as background")
    parts = place(features, asked.grid)
    notes.extend(parts.notes)
    parts = parts.take(named[parts.feature])
    layers = values[parts.feature] if names else None
    stream = _noticed(features.name, parts, burnt(parts, values[parts.feature], layers, asked.grid), asked.grid, notes)
    return _gathered(features.name, stream, names, colours, notes, asked)


def _from_raster(source: Any, labels_crs: Any, asked: Asked) -> Labels:
    quantity = asked.target_column is not None
    with label_raster.opened(source, asked.grid, labels_crs, quantity) as raster:
        if quantity:
            labels = _gathered(raster.name, raster.pixels(), (), {}, raster.notes, asked)
        else:
            legend = raster.legend()
            stream = map(legend.indexed, raster.pixels())
            labels = _gathered(raster.name, stream, legend.names, legend.hues, raster.notes, asked)
    return replace(labels, groups=labels.rows * asked.grid.width + labels.columns)


def _column(features: Features, asked: Asked) -> tuple[str, list[str]]:
    notes = list(features.notes)
    column = asked.class_column if asked.class_column is not None else asked.target_column
    if column is None:
        column = label_columns.only_candidate(features.name, features.table)
        notes.append(f"Classes are read from column '{column}', the only one that can hold them.")
    label_columns.check(features.name, features.table, column)
    return column, notes


def _values(features: Features, column: str, asked: Asked) -> tuple[np.ndarray, tuple[str, ...], dict[str, str]]:
    """What each feature says (n,), NaN for nothing: indices into the class names that follow, or a quantity."""
    series = features.table[column]
    if asked.target_column is not None:
        return label_columns.quantities(features.name, column, series), (), {}
    try:
        named = label_columns.class_names(series)
    except ValueError as error:
        raise LabelsError(
            f"{features.name}: column '{column}' holds {error}, which is no class: classes are text or whole numbers. "
            f"For a map of a quantity give --target-column {column}."
        ) from None
    names = label_columns.in_order(set(named) - {None}, label_columns.are_numbers(series))
    index = {name: float(place) for place, name in enumerate(names)}
    values = np.array([index.get(name, np.nan) for name in named])
    colours = label_columns.own_colours(features.table, named) or label_styles.vector_colours(features.style, column)
    return values, names, colours


def _noticed(name: str, parts: Parts, stream: Iterator[Pixels], grid: Grid, notes: list[str]) -> Iterator[Pixels]:
    """The stream as it is; at its end the features that gave no pixel are counted in `notes`."""
    seen: set[int] = set()
    for pixels in stream:
        seen.update(np.unique(pixels.feature).tolist())
        yield pixels
    off = len(set(parts.feature.tolist()) - seen)
    if not seen:
        why = " ".join([*parts.notes, extents(parts.geometry, grid)])
        raise LabelsError(f"{name}: no label lies on the scene. {why}")
    if off:
        notes.append(f"{off:,} label{'s lie' if off > 1 else ' lies'} off the scene: left out.")


def _gathered(
    name: str, stream: Iterator[Pixels], names: tuple[str, ...], colours: dict[str, str], notes: list[str], asked: Asked
) -> Labels:
    """The labels that a stream of pixels makes: settled, thinned, and only of classes that have a pixel."""
    quantity = asked.target_column is not None
    thinned, disputed = Thinned(asked.limit, asked.seed), 0
    for pixels in stream:
        pixels, more = settle(pixels, average=quantity)
        disputed += more
        thinned.add(pixels, np.zeros(len(pixels.where), np.int64) if quantity else pixels.value.astype(np.int64))
    if disputed:
        what = "several values: their mean is used" if quantity else "labels of two classes or more: left out"
        notes.append(f"{disputed:,} pixel{'s have' if disputed > 1 else ' has'} {what}.")
    if not thinned.seen:
        raise LabelsError(f"{name}: no labelled pixel is left. {' '.join(notes)}")
    notes.extend(_thinning(thinned, names, asked))
    problem: Problem = Classes(names)
    if asked.target_column is not None:
        problem = Quantity(plain_text(asked.target_column), plain_text(asked.unit))
    pixels = thinned.ordered()
    if quantity:
        _check_quantity(name, pixels.value)
    rows, columns = np.divmod(pixels.where, asked.grid.width)
    targets = pixels.value.astype(np.float32 if quantity else np.int64)
    return Labels(name, rows, columns, targets, pixels.feature, problem, colours, notes)._without_empty_classes()


def _check_quantity(name: str, values: np.ndarray) -> None:
    """Raise LabelsError for values (m,) whose squares leave the range of float32, in which learners compute."""
    largest = values[np.abs(values).argmax()]
    if abs(largest) > MOST_QUANTITY:
        raise LabelsError(
            f"{name}: a quantity of {largest:g}, and {MOST_QUANTITY:g} is the most. If it stands for no data, leave it "
            "empty or declare it as nodata; else give the quantity in another unit."
        )


def _thinning(thinned: Thinned, names: tuple[str, ...], asked: Asked) -> list[str]:
    if asked.limit is None:
        return []
    over = {which: count for which, count in sorted(thinned.seen.items()) if count > asked.limit}
    what = [f"{names[which] if names else asked.target_column} ({count:,})" for which, count in over.items()]
    if not what:
        return []
    return [f"More labelled pixels than needed: a random {asked.limit:,} are used of {', '.join(what)}."]
