"""The folder of a finished map: rasters, areas, scores of independent labels, and the record of it all."""

from __future__ import annotations

import csv
import io
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from .. import __version__
from ..files import write_json, write_text
from ..problem import Classes, Problem, Quantity
from ..trust.intervals import balanced_accuracy_interval, rmse_interval
from ..trust.scores import accuracy, confusion, kappa, macro_f1, r2
from .cog import class_map, confidence_map, probabilities_map, quantity_map, trust_map
from .judge import plain
from .labels import Labels
from .paint import Counts

AREAS = "# Counted from the map, indicative: areas with intervals need a probability sample of independent labels."


@dataclass(frozen=True)
class Outputs:
    """Where a map of a problem goes, and in which colours."""

    folder: Path
    problem: Problem
    colours: dict[str, str]

    def rasters(self, working: Path) -> None:
        """The final rasters from the working ones."""
        found = self.folder / "map.tif"
        if isinstance(self.problem, Classes):
            class_map(working / "map.tif", found, self.problem.names, self.colours)
        else:
            assert isinstance(self.problem, Quantity)
            quantity_map(working / "map.tif", found, self.problem.name, self.problem.unit)
        confidence_map(working / "confidence.tif", self.folder / "confidence.tif")
        trust_map(working / "trust.tif", self.folder / "trust.tif")
        if (working / "probabilities.tif").exists() and isinstance(self.problem, Classes):
            probabilities_map(working / "probabilities.tif", self.folder / "probabilities.tif", self.problem.names)

    def tested(self, test: Labels, used: Labels) -> dict[str, Any]:
        """Scores of the map on independent labels; pixels that also carry a training label are not scored."""
        place = {*zip(used.rows.tolist(), used.columns.tolist(), strict=True)}
        new = np.array([spot not in place for spot in zip(test.rows.tolist(), test.columns.tolist(), strict=True)])
        with rasterio.open(self.folder / "map.tif") as raster:
            values = np.array([v[0] for v in raster.sample(test_xy(raster, test))])
        left_out = int((~new).sum())
        if isinstance(self.problem, Classes):
            return self._tested_classes(test, values.astype(int) - 1, new) | {"on_training_pixels": left_out}
        good = new & np.isfinite(values)
        targets, predicted, groups = test.targets[good], values[good], test.groups[good]
        found = rmse_interval(targets, predicted, groups)
        share = plain(r2(targets, predicted)) if len(targets) > 1 else None
        score = {"rmse": plain(found.mean), "low": plain(found.low), "high": plain(found.high), "r2": share}
        return score | {"labels": int(good.sum()), "on_training_pixels": left_out}

    def _tested_classes(self, test: Labels, predicted: np.ndarray, new: np.ndarray) -> dict[str, Any]:
        assert isinstance(self.problem, Classes) and isinstance(test.problem, Classes)
        names = list(self.problem.names)
        index = np.array([names.index(n) if n in names else -1 for n in test.problem.names])
        targets = index[test.targets]
        good = new & (predicted >= 0) & (targets >= 0)
        targets, predicted, groups = targets[good], predicted[good], test.groups[good]
        table = confusion(targets, predicted, len(names))
        found = balanced_accuracy_interval(targets, targets == predicted, groups)
        return {
            "balanced_accuracy": plain(found.mean),
            "low": plain(found.low),
            "high": plain(found.high),
            "accuracy": plain(accuracy(table)) if len(targets) else None,
            "kappa": plain(kappa(table)) if len(targets) else None,
            "macro_f1": plain(macro_f1(table)) if len(targets) else None,
            "labels": int(good.sum()),
            "unknown_classes": [n for n in test.problem.names if n not in names],
            "confusion": table.astype(int).tolist(),
        }

    def counted(self, record: dict[str, Any], counts: Counts) -> dict[str, Any]:
        """What counting the map's pixels adds to the record."""
        inside = counts.inside / counts.valid if counts.valid else None
        applicability = (record.get("applicability") or {}) | {"share_inside": inside}
        return {"areas": self.areas(counts), "applicability": applicability, "pixels": counts.valid}

    def areas(self, counts: Counts) -> list[dict[str, Any]]:
        """Pixels, hectares and share of every class, and `areas.csv` of them."""
        if not isinstance(self.problem, Classes):
            return []
        total = max(int(counts.pixels[1:].sum()), 1)
        found = [
            {"class": name, "pixels": int(pixels), "hectares": plain(hectares), "share": float(pixels / total)}
            for name, pixels, hectares in zip(self.problem.names, counts.pixels[1:], counts.hectares[1:], strict=True)
        ]
        text = io.StringIO()
        text.write(AREAS + "\n")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["class", "pixels", "hectares", "share"])
        for row in found:
            hectares = "" if row["hectares"] is None else f"{row['hectares']:.4f}"
            table.writerow([row["class"], row["pixels"], hectares, f"{row['share']:.6f}"])
        write_text(self.folder / "areas.csv", text.getvalue())
        return found


def test_xy(raster: Any, labels: Labels) -> list[tuple[float, float]]:
    x, y = raster.xy(labels.rows, labels.columns)
    return list(zip(np.atleast_1d(x).tolist(), np.atleast_1d(y).tolist(), strict=True))


def finished(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """`run.json`, the last file of a run: a folder that holds it is whole."""
    memory = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    record = {"handful": __version__} | record | {"peak_memory_mb": memory}
    write_json(folder / "run.json", record)
    return record
