"""What a page shows of a map: previews, and where its labels lie on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..maps.styles import SURE, TRUST_COLOURS, VALUES
from .images import BLANK, MOST, drawing, mixed, photo, shaded
from .stretch import thin

Array = NDArray[Any]
DOTS = 500  # labels drawn at most: more would hide the scene


@dataclass(frozen=True)
class Pictures:
    """Previews of one map, all of one size (height, width), in the file's own row order.

    map               class values (int: 0 no data, i + 1 for `run["classes"][i]`) or a quantity (float, NaN no data)
    colours           "#rrggbb" of each class; empty for a quantity
    true_colour       (height, width, 3) uint8, or None; see `stretch`
    false_colour      the same, near infrared as red
    true_bands        what is shown as red, green and blue, for the caption
    confidence        (height, width) 0..1, NaN no data, or None
    trust             (height, width) 1 inside, 2 outside the area of applicability, 0 no data, or None
    label_rows        (m,) where the labels lie, in preview pixels (the first pixel's centre is 0.5)
    label_columns     (m,)
    label_targets     (m,) class indices, or values of the quantity
    metres_per_pixel  how wide a pixel of the preview is, or None where there is no georeference
    pixel_shape       how wide a pixel is for its height: below 1 for degrees away from the equator
    north_up          True, False for a raster that begins in the south, None where nobody knows
    reliability       title of a curve -> (stated confidence, share right, labels) of each bin
    observed          (m,) labelled values of a quantity, and what the model said without having seen them
    predicted         (m,)
    """

    map: Array
    colours: Mapping[str, str] = field(default_factory=dict)
    true_colour: Array | None = None
    false_colour: Array | None = None
    true_bands: str = ""
    false_bands: str = ""
    confidence: Array | None = None
    trust: Array | None = None
    label_rows: Array = field(default_factory=lambda: np.empty(0))
    label_columns: Array = field(default_factory=lambda: np.empty(0))
    label_targets: Array = field(default_factory=lambda: np.empty(0))
    metres_per_pixel: float | None = None
    pixel_shape: float = 1.0
    north_up: bool | None = None
    reliability: Mapping[str, Sequence[tuple[float, float, int]]] = field(default_factory=dict)
    observed: Array | None = None
    predicted: Array | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the previews."""
        return self.map.shape[0], self.map.shape[1]

    def upright(self) -> Pictures:
        """The same with north above, where the raster begins in the south."""
        if self.north_up is not False:
            return self
        flipped: dict[str, Any] = {
            name: None if picture is None else picture[::-1]
            for name in ("map", "true_colour", "false_colour", "confidence", "trust")
            for picture in [getattr(self, name)]
        }
        return replace(self, **flipped, label_rows=self.size[0] - np.asarray(self.label_rows), north_up=True)

    def limits(self) -> tuple[float, float]:
        """The values at the ends of a quantity's ramp: the 2nd and 98th percentile of its preview."""
        seen = self.map[np.isfinite(self.map)]
        return tuple(float(value) for value in np.percentile(seen, [2, 98])) if len(seen) else (0.0, 1.0)  # type: ignore[return-value]

    def addresses(self, classes: Sequence[str]) -> dict[str, str | None]:
        """Every preview as an image's data address, by its name; None for one that isn't there."""
        step = thin(max(self.size), MOST)
        true, false, surely, trust = (
            None if part is None else part[::step, ::step]
            for part in (self.true_colour, self.false_colour, self.confidence, self.trust)
        )
        return {
            "map": self._map_address(self.map[::step, ::step], classes),
            "true_colour": None if true is None else photo(true),
            "false_colour": None if false is None else photo(false),
            "confidence": None if surely is None else shaded(surely, 0, 1, SURE),
            "trust": None if trust is None else drawing(trust, [BLANK, *TRUST_COLOURS.values()]),
        }

    def _map_address(self, preview: Array, classes: Sequence[str]) -> str:
        if classes:
            return drawing(preview, [BLANK, *(self.colours[name] for name in classes)])
        return shaded(preview, *self.limits(), VALUES)

    def dots(self, classes: Sequence[str]) -> list[dict[str, Any]]:
        """The labels to draw: x and y in heights of a pixel, a colour each; an even choice where there are too many."""
        every = thin(len(self.label_rows), DOTS)
        chosen = np.argsort(self.label_targets, kind="stable")[::every]
        across, down = np.asarray(self.label_columns) * self.pixel_shape, self.label_rows
        return [
            {"x": round(float(across[i]), 2), "y": round(float(down[i]), 2), "colour": colour}
            for i, colour in zip(chosen, self._dot_colours(classes, chosen), strict=True)
        ]

    def _dot_colours(self, classes: Sequence[str], chosen: Array) -> list[str]:
        if not classes:
            low, high = self.limits()
            share = np.clip((self.label_targets[chosen] - low) / max(high - low, 1e-12), 0, 1)
            ramp = mixed(VALUES, 33)
            return [ramp[int(32 * place)] for place in np.nan_to_num(share)]
        return [self.colours[classes[int(target)]] for target in self.label_targets[chosen]]
