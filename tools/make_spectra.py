"""Compute the spectra that simulated regions are made of: src/handful/simulate/spectra.npz.

Run in an environment that has `prosail` (GPL-3: a tool here, it is neither imported nor shipped by handful):

    python tools/make_spectra.py src/handful/simulate/spectra.npz

Only computed reflectances are written: float16, 400 to 2500 nm in steps of 10 nm. No measured reflectance goes in.

Canopies   leaf optics by PROSPECT-D (Feret et al. 2017), canopy by 4SAIL (Verhoef et al. 2007), through the Python
           package prosail 2 (Gomez-Dans, GPL-3), whose absorption coefficients of leaf constituents are used.
Soils      written here: a convex brightness curve, Gaussian absorptions of iron oxides (530, 870 nm), clay (2200 nm)
           and carbonate (2340 nm), darkened by moisture after Lobell and Asner (2002).
Water      written here: reflectance of a shallow water column after Lee et al. (1998), absorption of pure water
           below 700 nm rounded from Pope and Fry (1997), above from the coefficient that PROSPECT uses.
Snow       written here: asymptotic theory after Kokhanovsky and Zege (2004), absorption of ice rounded from
           Warren and Brandt (2008), soot and dust as a grey absorber.
Built, rock, burnt   written here: straight lines through nodes chosen by hand to look like the material's class,
           scaled and bent at random. They are shapes, not measurements.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import prosail

GRID = np.arange(400, 2501, 10)
FINE = np.arange(400, 2501)
WATER_CM = prosail.spectral_lib.prospectd.kw[: len(FINE)]  # absorption of water, 1/cm, from 400 nm in steps of 1 nm
Draw = Callable[[np.random.Generator], np.ndarray]


def bump(centre: float, width: float) -> np.ndarray:
    """A Gaussian absorption band over the fine grid, height 1; centre and width (sigma) in nm."""
    return np.exp(-0.5 * ((FINE - centre) / width) ** 2)


def nodes(points: dict[int, float]) -> np.ndarray:
    return np.interp(FINE, list(points), list(points.values()))


# ---------------------------------------------------------------- soils


def soil(rng: np.random.Generator, moisture: float | None = None) -> np.ndarray:
    rise = 1 - np.exp(-(FINE - 300.0) / rng.uniform(250, 800))
    curve = rng.uniform(0.12, 0.62) * rise ** rng.uniform(0.6, 1.6)
    red = rng.beta(1, 2)
    curve *= 1 - red * (0.45 * bump(430, 70) + 0.35 * bump(530, 45) + 0.12 * bump(870, 70))
    curve *= 1 - rng.uniform(0, 0.25) * bump(2205, 30) - rng.uniform(0, 0.12) * bump(2340, 30)
    curve *= 1 - rng.uniform(0, 0.15) * (bump(1415, 30) + 1.5 * bump(1915, 45))
    return moisten(curve, rng.beta(1, 2.5) if moisture is None else moisture, rng)


def moisten(dry: np.ndarray, moisture: float, rng: np.random.Generator) -> np.ndarray:
    """Darkening towards a saturated reflectance; exponential in moisture (0..1), Lobell and Asner 2002, eq. 1."""
    saturated = rng.uniform(0.4, 0.6) * dry * np.exp(-WATER_CM * rng.uniform(0.005, 0.03))
    return saturated + (dry - saturated) * np.exp(-3 * moisture)


def sand(rng: np.random.Generator) -> np.ndarray:
    curve = nodes({400: 0.16, 500: 0.25, 600: 0.36, 800: 0.44, 1200: 0.5, 1800: 0.55, 2200: 0.54, 2500: 0.48})
    return moisten(curve * rng.uniform(0.6, 1.25), rng.beta(1, 4), rng)


def rock(rng: np.random.Generator) -> np.ndarray:
    curve = nodes({400: 0.1, 600: 0.15, 900: 0.18, 1600: 0.22, 2500: 0.2}) * rng.uniform(0.5, 2.0)
    return curve * (1 - rng.uniform(0, 0.2) * bump(2205, 40) - rng.uniform(0, 0.15) * bump(2335, 30))


def burnt(rng: np.random.Generator) -> np.ndarray:
    char = nodes({400: 0.025, 700: 0.045, 1000: 0.065, 1600: 0.12, 2200: 0.15, 2500: 0.15}) * rng.uniform(0.6, 1.4)
    ash = nodes({400: 0.12, 900: 0.2, 1600: 0.28, 2500: 0.3})
    left = rng.beta(1, 6)
    return (1 - left) * char + left * (ash if rng.random() < 0.5 else soil(rng))


# ---------------------------------------------------------------- water and snow


def pure_water() -> np.ndarray:
    """Absorption in 1/m."""
    points = {400: 0.0066, 450: 0.0092, 500: 0.0204, 550: 0.0565, 575: 0.077, 600: 0.222, 650: 0.34, 700: 0.624}
    return np.where(FINE < 700, nodes(points), np.maximum(100 * WATER_CM, 0.6))


def water(rng: np.random.Generator, turbid: bool) -> np.ndarray:
    sediment = 10 ** (rng.uniform(1.0, 2.6) if turbid else rng.uniform(-0.7, 1.2))  # g/m3
    chlorophyll = 10 ** rng.uniform(-0.5, 1.9)  # mg/m3
    cdom = 10 ** rng.uniform(-1.3, 0.6)  # 1/m at 440 nm
    depth = 10 ** rng.uniform(-0.3, 1.3)  # m
    pigment = 0.05 * bump(440, 35) + 0.022 * bump(675, 12) + 0.012 * bump(620, 40)
    absorbed = pure_water() + pigment * chlorophyll**0.75 + cdom * np.exp(-0.015 * (FINE - 440.0))
    absorbed = absorbed + 0.03 * sediment * np.exp(-0.0115 * (FINE - 443.0))
    scattered = 0.00144 * (FINE / 500.0) ** -4.3 + 0.011 * sediment * (FINE / 555.0) ** -rng.uniform(0.2, 1.2)
    scattered = scattered + 0.002 * chlorophyll**0.6 * (FINE / 555.0) ** -0.5
    ratio = scattered / (absorbed + scattered)
    deep = (0.084 + 0.17 * ratio) * ratio
    column = np.exp(-2.2 * (absorbed + scattered) * depth)
    below = deep * (1 - column) + soil(rng, moisture=1.0) / np.pi * column
    above = np.pi * 0.52 * below / (1 - 1.7 * below)
    return above + rng.exponential(0.006) + 0.004 * (FINE / 500.0) ** -2  # glint: sun (grey) and sky (blue)


def ice_absorption() -> np.ndarray:
    """The imaginary part of the refractive index of ice."""
    points = {400: 2.4e-11, 500: 6e-10, 600: 5.7e-9, 700: 2.9e-8, 800: 1.3e-7, 900: 4.2e-7, 1000: 1.6e-6, 1030: 2.3e-6}
    points |= {1100: 1.7e-6, 1200: 9e-6, 1270: 1.4e-5, 1350: 1.3e-5, 1400: 2e-5, 1450: 2.2e-4, 1500: 5.5e-4}
    points |= {
        1600: 2.9e-4,
        1700: 1.7e-4,
        1800: 1.2e-4,
        1900: 4.5e-4,
        2000: 1.6e-3,
        2100: 7.5e-4,
        2200: 3e-4,
        2250: 2.2e-4,
    }
    points |= {2500: 8e-4}
    return np.exp(np.interp(FINE, list(points), np.log(list(points.values()))))


def snow(rng: np.random.Generator) -> np.ndarray:
    grain = 10 ** rng.uniform(-4.2, -2.7)  # m
    per_metre = 4 * np.pi * ice_absorption() / (FINE * 1e-9) + 10 ** rng.uniform(-2.0, 1.0) * (FINE / 500.0) ** -1.2
    return rng.uniform(0.88, 1.0) * np.exp(-3.6 * np.sqrt(per_metre * grain))


# ---------------------------------------------------------------- built

SHAPES: dict[str, list[dict[int, float]]] = {
    "asphalt": [
        {400: 0.06, 600: 0.09, 900: 0.11, 1600: 0.14, 2500: 0.13},
        {400: 0.1, 600: 0.16, 1000: 0.19, 2500: 0.22},
    ],
    "concrete": [
        {400: 0.16, 500: 0.22, 700: 0.29, 1000: 0.32, 1600: 0.37, 2200: 0.34, 2500: 0.28},
        {400: 0.25, 600: 0.36, 1000: 0.4, 1600: 0.42, 2500: 0.33},
    ],
    "tile_roof": [
        {
            400: 0.05,
            500: 0.07,
            560: 0.11,
            620: 0.21,
            720: 0.27,
            870: 0.26,
            1200: 0.36,
            1700: 0.42,
            2200: 0.37,
            2500: 0.33,
        },
        {400: 0.06, 560: 0.09, 700: 0.15, 900: 0.17, 1600: 0.24, 2500: 0.22},
    ],
    "metal_roof": [
        {400: 0.3, 500: 0.38, 700: 0.42, 900: 0.4, 1200: 0.46, 1700: 0.5, 2500: 0.5},
        {400: 0.5, 460: 0.66, 700: 0.7, 1200: 0.62, 1700: 0.5, 2500: 0.35},
        {400: 0.14, 470: 0.24, 560: 0.12, 700: 0.1, 900: 0.3, 1700: 0.36, 2500: 0.25},
        {400: 0.12, 700: 0.14, 1000: 0.16, 1700: 0.2, 2500: 0.22},
    ],
    "plastic": [
        {
            400: 0.35,
            500: 0.6,
            1100: 0.62,
            1200: 0.5,
            1300: 0.58,
            1650: 0.52,
            1730: 0.25,
            1900: 0.4,
            2150: 0.35,
            2310: 0.12,
            2500: 0.1,
        },
        {400: 0.18, 500: 0.3, 1100: 0.38, 1650: 0.34, 1730: 0.22, 2150: 0.25, 2310: 0.12, 2500: 0.1},
    ],
}


def built(kind: str) -> Draw:
    def drawn(rng: np.random.Generator) -> np.ndarray:
        curve = nodes(SHAPES[kind][rng.integers(len(SHAPES[kind]))])
        bend = 1 + rng.normal(0, 0.15) * (FINE - 1000.0) / 1000
        return curve * rng.uniform(0.6, 1.5) * np.clip(bend, 0.6, 1.4)

    return drawn


# ---------------------------------------------------------------- canopies

# ranges: leaf layers N, chlorophyll and carotenoids (ug/cm2; carotenoids as a share of chlorophyll), brown pigment,
# water and dry matter (g/cm2), leaf area index, mean leaf angle (degrees)
Ranges = tuple[tuple[float, float], ...]
CANOPIES: dict[str, Ranges] = {
    "crop_young": ((1.3, 2.0), (30, 60), (0.18, 0.3), (0, 0.1), (0.01, 0.025), (0.003, 0.007), (0.2, 1.6), (40, 65)),
    "crop_green": ((1.2, 2.1), (35, 75), (0.18, 0.3), (0, 0.1), (0.01, 0.03), (0.003, 0.008), (2, 6.5), (35, 68)),
    "crop_ripe": ((1.5, 2.6), (1, 22), (0.3, 0.9), (0.3, 1.4), (0.001, 0.01), (0.004, 0.012), (1.0, 4), (40, 72)),
    "stubble": ((1.6, 2.8), (0, 4), (0.3, 1.0), (0.5, 1.6), (0.0005, 0.004), (0.006, 0.02), (0.2, 1.3), (45, 75)),
    "broadleaf": ((1.5, 2.2), (30, 65), (0.18, 0.28), (0, 0.25), (0.008, 0.02), (0.005, 0.012), (2.5, 6.5), (20, 50)),
    "leafless": ((1.6, 2.6), (1, 12), (0.3, 0.9), (0.6, 1.6), (0.002, 0.008), (0.01, 0.03), (0.4, 2.0), (40, 70)),
    "conifer": ((1.8, 2.8), (30, 60), (0.2, 0.3), (0.05, 0.5), (0.015, 0.04), (0.014, 0.035), (2.5, 7), (40, 65)),
    "dead_conifer": ((2.0, 3.0), (2, 20), (0.3, 0.9), (0.6, 1.8), (0.002, 0.015), (0.014, 0.035), (0.7, 3.5), (40, 65)),
    "grass": ((1.3, 2.0), (20, 55), (0.2, 0.32), (0, 0.35), (0.006, 0.02), (0.003, 0.008), (0.8, 4.5), (50, 72)),
    "grass_dry": ((1.5, 2.6), (1, 16), (0.3, 0.9), (0.4, 1.4), (0.001, 0.006), (0.004, 0.012), (0.4, 3), (50, 75)),
    "shrub": ((1.6, 2.4), (18, 50), (0.2, 0.35), (0.05, 0.6), (0.006, 0.02), (0.008, 0.022), (0.7, 3.5), (35, 62)),
    "wetland": ((1.3, 2.2), (15, 55), (0.2, 0.4), (0, 0.8), (0.008, 0.03), (0.003, 0.01), (0.5, 4.5), (45, 78)),
}


def canopy(family: str) -> Draw:
    ranges = CANOPIES[family]

    def drawn(rng: np.random.Generator) -> np.ndarray:
        layers, green, share, brown, wet, dry, leaves, angle = (rng.uniform(*r) for r in ranges)
        ground = soil(rng, moisture=rng.uniform(0.5, 1.0)) if family == "wetland" else soil(rng)
        red = rng.uniform(0, 4) if family != "crop_green" else 0.0  # anthocyanins, ug/cm2
        return prosail.run_prosail(
            layers, green, green * share, brown, wet, dry, leaves, angle, 10 ** rng.uniform(-2, -0.5),
            rng.uniform(18, 62), rng.uniform(0, 10), rng.uniform(0, 180), ant=red, prospect_version="D", rsoil0=ground,
        )  # fmt: skip

    return drawn


FAMILIES: dict[str, tuple[int, Draw]] = {name: (64, canopy(name)) for name in CANOPIES} | {
    "soil": (96, soil),
    "sand": (24, sand),
    "rock": (32, rock),
    "burnt": (24, burnt),
    "clear_water": (64, lambda rng: water(rng, turbid=False)),
    "turbid_water": (48, lambda rng: water(rng, turbid=True)),
    "snow": (32, snow),
    **{kind: (24, built(kind)) for kind in SHAPES},
}


def main(path: str) -> None:
    table, family = [], []
    for index, (name, (count, drawn)) in enumerate(FAMILIES.items()):
        rng = np.random.default_rng([2024, index])
        for _ in range(count):
            curve = np.interp(GRID, FINE, np.convolve(np.pad(drawn(rng), 5, mode="edge"), np.ones(11) / 11, "valid"))
            table.append(np.clip(curve, 0.0005, 1.0))
            family.append(index)
        print(f"{name:13s} {count:3d}  mean reflectance {np.mean(table[-count:]):.3f}", file=sys.stderr)
    np.savez_compressed(
        path,
        wavelengths=GRID.astype(np.int16),
        reflectance=np.array(table, dtype=np.float16),
        family=np.array(family, dtype=np.int16),
        names=np.array(list(FAMILIES)),
    )


if __name__ == "__main__":
    main(sys.argv[1])
