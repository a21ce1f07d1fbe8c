"""Regions made by physics: any number of them, each from its seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ..problem import UNLABELLED, Classes
from ..region import Region
from ..task import Examples
from .atmosphere import cloud, clouded, seen, sky, speckled
from .land import FINER, Land
from .layout import lay_out
from .meaning import labels
from .render import blurred, mixed, terrain
from .sensors import Sensor, find_sensor

OFFSET_SHARE = 0.25  # of regions keep the +0.1 that Sentinel-2 products carry since baseline 04.00
UNCORRECTED_SHARE = 0.12  # of regions are as seen above the atmosphere


def region(
    seed: int,
    *,
    size: int = 128,
    sensor: str = "sentinel-2",
    dates: int = 1,
    radar: bool = False,
    clouds: float = 0.0,
    label_noise: float = 0.0,
    coarse: int = 1,
) -> Region:
    """One region (size, size) of 3 to 9 land-cover classes, sometimes two; the same seed gives the same bytes.

    sensor       a name from SENSORS, "random" or "any"
    dates        images of the same land, in one season or two
    radar        two more bands, VV and VH in dB, whose wavelength is NaN
    clouds       share of each image under cloud; clouds and shadows are unlabelled
    label_noise  share of labels that are wrong
    coarse       side of the blocks that share a label, in pixels
    Raises SettingsError for an unknown sensor.
    """
    for attempt in range(100):  # some lands are all of one class: draw again, from the same seed
        rng = np.random.default_rng([seed, attempt])
        seer = find_sensor(sensor, rng)
        land = lay_out(rng, size * FINER, dates, seer)
        targets, names, base = labels(land, rng, coarse=coarse, noise=label_noise)
        if len(names) >= 3 or (names and "damaged" in names and len(names) == 2):
            break
    made, hidden = images(land, seer, rng, clouds, radar)
    targets[hidden], base[hidden] = UNLABELLED, UNLABELLED
    examples = Examples(
        inputs(made, seer, radar), torch.from_numpy(targets)[None], Classes(tuple(names)),
        torch.from_numpy(base.astype(np.int64))[None],
    )  # fmt: skip
    bands = tuple(seer.bands) + (("VV", "VH") if radar else ())
    return Region(f"simulated-{seed}", examples, bands=bands * dates)


def regions(count: int, seed: int, **settings: object) -> Iterator[Region]:
    """`count` regions; no two seeds share a region unless their ranges of a million overlap."""
    for index in range(count):
        yield region(seed * 1_000_000 + index, **settings)  # type: ignore[arg-type]


def images(
    land: Land, sensor: Sensor, rng: np.random.Generator, clouds: float, radar: bool
) -> tuple[list[np.ndarray], np.ndarray]:
    """An image (bands, size, size) for each date, and where a cloud or a shadow hides the land on any of them."""
    offset = 0.1 * (rng.random() < OFFSET_SHARE)
    uncorrected = bool(rng.random() < UNCORRECTED_SHARE)
    lit, looks = terrain(land, rng), rng.uniform(3, 12)
    hidden = np.zeros((land.side, land.side), bool)
    made = []
    for date in range(land.dates):
        ground = mixed(land, sensor, date)
        image = blurred(ground[:-2] * lit, sensor, rng)
        image = seen(image, sky(rng, sensor, uncorrected), rng)
        if clouds > 0:
            opacity, shadow = cloud(rng, land.side, clouds)
            image = clouded(image, sensor, opacity, shadow)
            hidden |= (opacity > 0.1) | (shadow > 0.2)
        image = image + np.float32(offset)
        made.append(np.concatenate([image, speckled(ground[-2:], rng, looks)]) if radar else image)
    return made, hidden


def inputs(made: list[np.ndarray], sensor: Sensor, radar: bool) -> dict[str, torch.Tensor]:
    nm = [*sensor.centres, *((float("nan"),) * (2 * radar))]
    dates = np.repeat(np.arange(len(made)), len(nm))
    return {
        "bands": torch.from_numpy(np.concatenate(made).astype(np.float32))[None],
        "wavelengths": torch.tensor(nm * len(made), dtype=torch.float32)[None],
        "dates": torch.from_numpy(dates)[None],
    }
