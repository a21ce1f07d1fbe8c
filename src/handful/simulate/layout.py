"""The layout of a region: layers that are painted on the land, one after the other."""

from __future__ import annotations

import numpy as np

from .covers import Materials, climate
from .land import CODE, CROPS, Land
from .sensors import Sensor
from .shapes import Parcels, field, line, parcels

ZONES = ("farm", "forest", "range", "settlement", "bare", "wetland")


def lay_out(rng: np.random.Generator, size: int, dates: int, sensor: Sensor) -> Land:
    """Lay out a region of (size, size) fine pixels: zones first, then what lies across them."""
    land = Land(rng, size, dates, Materials(rng, sensor), climate(rng, dates, CROPS))
    plots = parcels(
        rng, size, 3 * 10 ** rng.uniform(0.6, 1.5), 3 * 10 ** rng.uniform(0.8, 1.7),
        uneven=rng.uniform(0.2, 0.7), warp=rng.choice([0, 1]) * rng.uniform(2, 12) * land.wide,
    )  # fmt: skip
    zone = zones(land, plots)
    farmland(land, zone, plots)
    rangeland(land, zone)
    forest(land, zone)
    bare_ground(land, zone)
    hedges(land, plots)
    change(land)
    waters(land, zone)
    settlement(land, zone, plots)
    roads(land)
    snowfield(land)
    return land


def zones(land: Land, plots: Parcels) -> np.ndarray:
    """The kind of land (size, size), an index into ZONES; some borders follow the parcels, some the land."""
    rng, size = land.rng, land.size
    favour = rng.normal([0.9, 0.5, 0.1, -0.1, -0.9, -1.1], 0.8)
    scores = np.stack([b + field(rng, size, size * rng.uniform(0.04, 0.12), rng.uniform(3.8, 5.0)) for b in favour])
    scores[1] += 0.5 * land.height
    scores[5] -= 0.5 * land.height
    free = scores.argmax(0).astype(np.int8)
    by_plot = np.zeros(plots.count, np.int8)
    by_plot[plots.index] = free
    return np.where(land.wide + rng.normal(-0.6, 1.0) > 0, free, by_plot[plots.index])


def farmland(land: Land, zone: np.ndarray, plots: Parcels) -> None:
    """Fields, each with a crop at its stage over its soil; kinds of crop cluster, meadows and orchards lie between."""
    rng, n = land.rng, plots.count
    kind = rng.choice(CROPS, n, p=rng.dirichlet(np.full(CROPS, 1.2)))
    phase = (land.climate.phase[:, kind] + rng.normal(0, rng.uniform(0.2, 1.3), n)) % 5
    cropped = np.stack([land.materials.crops(date) for date in phase])
    ground = land.still(land.materials.of("soil", n))
    ground *= rng.lognormal(0, rng.uniform(0.08, 0.3), (1, n, 1))
    thin = rng.beta(1, rng.uniform(2, 8), n)
    first = land.palette.add(cropped, ground, thin, 0.03, rng.uniform(0.02, 0.14), rng.uniform(0.02, 0.12), 0.03, 0.02)
    state = np.select([(phase[0] < 0.7) | (phase[0] > 3.6), phase[0] < 2.6], [0, 1], 2)
    where = zone == ZONES.index("farm")
    land.paint(where, first + plots.index, "crops", "crops")
    land.detail[where] = (kind + CROPS * state)[plots.index][where]
    other = rng.random(n)
    _meadows(land, where & (other < rng.uniform(0, 0.25))[plots.index], plots)
    _orchards(land, where & (other > 1 - rng.choice([0, 0, 0.12]) * rng.random())[plots.index], plots)


def _meadows(land: Land, where: np.ndarray, plots: Parcels) -> None:
    land.detail[where] = -1
    land.paint(where, land.grasses(24) + plots.index % 24, "grass", "grass")


def _orchards(land: Land, where: np.ndarray, plots: Parcels) -> None:
    """Rows of trees over grass or soil, 3 to 6 fine pixels apart."""
    trees, grass = land.trees(8), land.grasses(8, (0.2, 0.9))
    pitch = land.rng.uniform(2.2, 5)
    row = plots.u % pitch < land.rng.uniform(0.35, 0.65) * pitch
    land.detail[where] = -1
    land.paint(where & ~row, grass + plots.index % 8, "orchard", "orchard")
    land.paint(where & row, trees + plots.index % 8, "orchard", "orchard")


def rangeland(land: Land, zone: np.ndarray) -> None:
    """Grass, shrub, bare soil and single trees in patches without sharp borders."""
    rng = land.rng
    where = np.isin(zone, [ZONES.index("range"), ZONES.index("settlement")])
    patch = (4 * (land.wide + land.middle * 0.6)).astype(np.int32) % 6
    land.paint(where, land.grasses(6, (0.05, 0.7)) + patch, "grass", "grass")
    bushes = land.middle + 0.7 * land.fine + 0.6 * land.wide > rng.uniform(-0.2, 2.2)
    land.paint(where & bushes, land.shrubs(6) + patch, "shrub", "shrub")
    single = land.fine + 0.5 * land.middle > rng.uniform(1.9, 3.2)
    land.paint(where & single, land.trees(6) + patch)


def forest(land: Land, zone: np.ndarray) -> None:
    """Stands of broadleaved and coniferous trees, mixed at their borders, with clearings."""
    rng, size = land.rng, land.size
    where = zone == ZONES.index("forest")
    stands = parcels(rng, size, rng.uniform(15, 70), rng.uniform(20, 90), uneven=0.6, warp=12 * land.wide)
    lean = field(rng, size, rng.uniform(10, 40), 4.0)
    by_stand = np.zeros(stands.count, np.float32)
    by_stand[stands.index] = lean
    mixed = rng.uniform(0, 0.7) * land.fine + rng.uniform(0, 1) * lean + rng.uniform(0, 1) * by_stand[stands.index]
    conifer = mixed > rng.choice([-9.0, 9.0, 0.0, 0.5, -0.5])
    land.paint(where & ~conifer, land.trees(16) + stands.index % 16, "broadleaf", "broadleaf")
    land.paint(where & conifer, land.conifers(16) + stands.index % 16, "conifer", "conifer")
    clearing = where & (land.middle + 0.3 * land.fine > rng.uniform(1.4, 3.0))
    land.paint(clearing, land.shrubs(6) + stands.index % 6)
    cut = where & (rng.random(stands.count) < rng.uniform(0, 0.12))[stands.index]
    land.paint(cut, land.grasses(6, (0.2, 0.8)) + stands.index % 6, "grass", "grass")


def bare_ground(land: Land, zone: np.ndarray) -> None:
    """Quarries, rock, sand and bare soil."""
    rng, kinds = land.rng, ("soil", "rock", "sand")
    one, other = rng.choice(3, 2)
    first, second = (land.still(land.materials.of(kinds[i], 6)) for i in (one, other))
    start = land.palette.add(first, second, rng.uniform(0, 0.6, 6), 0.1, 0.2, 0.2, 0.06, 0.06)
    patch = (3 * (land.wide + land.middle)).astype(np.int32) % 6
    where = zone == ZONES.index("bare")
    land.paint(where, start + patch, "bare", "bare")
    tufts = where & (land.middle + 0.5 * land.fine > rng.uniform(0.8, 3))
    land.paint(tufts, land.shrubs(6) + patch)


def hedges(land: Land, plots: Parcels) -> None:
    """Tree rows, grass margins and tracks on the borders of fields; single trees within."""
    rng, n = land.rng, plots.count
    farmed = np.isin(land.use, [CODE["crops"], CODE["grass"]])
    border = farmed & (plots.edge < rng.uniform(0.5, 1.8))
    kind = rng.random(n)[plots.index]
    woody, grassy = rng.uniform(0, 0.5), rng.uniform(0.2, 0.9)
    land.paint(border & (kind < grassy), land.grasses(8) + plots.index % 8)
    land.paint(border & (kind < woody) & (land.fine > -0.8), land.trees(8) + plots.index % 8)
    track = land.palette.add(land.still(land.materials.of("soil", 4)), land.still(land.materials.of("asphalt", 4)), 0.2)
    land.paint(border & (kind > 0.85), track + plots.index % 4)
    land.paint(farmed & (land.fine + 0.4 * land.middle > rng.uniform(2.3, 4)), land.trees(8) + plots.index % 8)


def change(land: Land) -> None:
    """Fire and forest damage: all dates show it, or only the last one."""
    rng = land.rng
    patch = field(rng, land.size, rng.uniform(8, 30), 4.0) + 0.25 * land.fine
    late = slice(land.dates - 1 if rng.random() < 0.7 else 0, None)
    wood = np.isin(land.use, [CODE["broadleaf"], CODE["conifer"]])
    if rng.random() < 0.15:
        char = land.still(land.materials.of("burnt", 4))
        start = land.palette.add(char, land.still(land.materials.of("grass_dry", 4)), 0.15, 0.15, 0.2, 0.1, 0.1, 0.08)
        where = (wood | np.isin(land.use, [CODE["grass"], CODE["shrub"]])) & (patch > rng.uniform(0.4, 1.4))
        _turn(land, where, late, start, "burnt")
    if rng.random() < 0.4:
        dead = land.still(land.materials.of("dead_conifer", 4))
        ground = land.still(land.materials.blend({"soil": 0.4, "grass": 0.3, "stubble": 0.3}, 4))
        share = rng.uniform(0.05, 0.8, 4)
        start = land.palette.add(dead, ground, share, 0.15, 0.2, 0.1, rng.uniform(0.1, 0.45), 0.12)
        _turn(land, wood & (patch < -rng.uniform(0.6, 1.8)), late, start, "damaged")


def _turn(land: Land, where: np.ndarray, dates: slice, start: int, use: str) -> None:
    kind = start + (np.abs(land.middle) * 3).astype(np.int32) % 4
    for layer in land.entry[dates]:
        np.copyto(layer, kind, where=where)
    land.use[where] = land.cover[where] = CODE[use]


def waters(land: Land, zone: np.ndarray) -> None:
    """Rivers with banks, lakes with shallows, and marshes by the water."""
    rng, size, m = land.rng, land.size, land.materials
    wet = np.full((size, size), 1e3, np.float32)
    for _ in range(rng.choice([0, 1, 1, 2])):
        path = line(rng, size, land.wide, rng.uniform(5, 45)) - 3 * 10 ** rng.uniform(-0.5, 0.9)
        wet = np.minimum(wet, path * (1 + 0.2 * land.middle))
    if rng.random() < 0.55:
        basin = land.height + 0.15 * land.wide + 0.03 * land.middle
        wet = np.minimum(wet, (basin - np.quantile(basin, 10 ** rng.uniform(-2.2, -0.6))) * size * 0.2)
    ponds = land.middle - land.height * 0.3
    wet = np.minimum(wet, 8 * (ponds + rng.uniform(3.0, 5.0)))
    _banks(land, wet)
    marsh = (zone == ZONES.index("wetland")) | ((wet > 0) & (wet < rng.choice([0, 0, 0, 12]) * (1 + land.middle)))
    _marsh(land, marsh)
    kinds = ("clear_water", "turbid_water") if rng.random() < 0.7 else ("turbid_water", "clear_water")
    deep, shallow = (land.still(m.of(kind, 4)) for kind in kinds)
    silt = shallow if rng.random() < 0.5 else land.still(m.blend({"turbid_water": 0.8, "wetland": 0.2}, 4))
    start = land.palette.add(deep, silt, rng.uniform(0, 0.4, 4), 0.01, 0.1, rng.uniform(0, 0.2), 0.02, 0.01)
    land.paint(wet < 0, start + (wet > -4).astype(np.int32), "water", "water")


def _banks(land: Land, wet: np.ndarray) -> None:
    """Sand bars and riverside trees."""
    rng = land.rng
    near = (wet > 0) & (wet < rng.uniform(1, 14) * (1 + 0.6 * land.middle))
    if rng.random() < 0.7:
        land.paint(near, land.trees(2), "broadleaf", "broadleaf")
    if rng.random() < 0.5:
        bar = land.palette.add(
            land.still(land.materials.of("sand", 1)), land.still(land.materials.of("soil", 1)), 0.3, 0.1, 0.2
        )
        where = (wet > 0) & (wet < 12 * (land.wide + 0.5 * land.middle - rng.uniform(-0.5, 1.5)))
        land.paint(where, bar, "bare", "bare")


def _marsh(land: Land, where: np.ndarray) -> None:
    rng, m = land.rng, land.materials
    green = land.climate.green
    reeds = land.dated(lambda date: {"wetland": 0.4 + 0.6 * green[date], "grass_dry": 0.6 - 0.6 * green[date]}, 6)
    flood = land.still(m.blend({"clear_water": 0.7, "soil": 0.3}, 6))
    start = land.palette.add(reeds, flood, rng.uniform(0.1, 0.7, 6), 0.12, 0.25, 0.15, 0.05, 0.05)
    land.paint(where, start + (np.abs(land.middle) * 3).astype(np.int32) % 6, "wetland", "wetland")


def settlement(land: Land, zone: np.ndarray, plots: Parcels) -> None:
    """Houses in gardens along streets, denser towards the middle; halls; farmsteads outside, which no product shows."""
    rng = land.rng
    where = (zone == ZONES.index("settlement")) & np.isin(land.use, [CODE["grass"], CODE["shrub"]])
    lots = parcels(
        rng, land.size, rng.uniform(4, 9), rng.uniform(5, 11), uneven=0.25, warp=rng.choice([0, 6]) * land.wide
    )
    chance, n = rng.random((2, lots.count)), lots.count
    dense = rng.uniform(0.1, 0.9) + 0.2 * land.wide
    side = rng.uniform(0.45, 0.95, n)[lots.index]
    deep = rng.uniform(2.0, 6.0)
    house = (lots.u < deep * side) & (lots.v < deep * side * rng.uniform(0.8, 1.6))
    built = house & (chance[0][lots.index] < dense) & where
    out = (
        house
        & (chance[1][lots.index] < 10 ** rng.uniform(-4, -1.7))
        & np.isin(land.use, [CODE["crops"], CODE["grass"]])
    )
    land.use[where] = CODE["built"]
    tree = where & (land.fine + 0.6 * land.middle > rng.uniform(0.5, 2.2))
    land.paint(tree, land.trees(8) + lots.index % 8, "broadleaf")
    yard = where & (chance[1][lots.index] < rng.uniform(0, 0.6))
    land.paint(yard, _yards(land) + lots.index % 16, "bare")
    street = where & (lots.strip % rng.integers(3, 6) == 0) & (lots.u < rng.uniform(1, 2.4))
    land.paint(street, _paved(land), "road")
    land.paint(built | out, _roofs(land) + lots.index * 7 % 48, "built")
    _halls(land, where, plots)


def _roofs(land: Land) -> int:
    """48 roofs: mostly one or two kinds a region."""
    kinds = ("tile_roof", "metal_roof", "concrete", "asphalt", "plastic")
    share = land.rng.multinomial(48, land.rng.dirichlet([0.8, 0.6, 0.5, 0.4, 0.1]))
    roofs = np.concatenate([land.materials.of(kind, count) for kind, count in zip(kinds, share, strict=True)])
    slope = land.rng.uniform(0, 0.35, 48)
    return land.palette.add(land.still(roofs), land.still(roofs), 0.0, 0.0, 0.0, 0.0, slope, 0.05)


def _yards(land: Land) -> int:
    paved = land.still(land.materials.blend({"soil": 0.6, "concrete": 0.4}, 16))
    return land.palette.add(
        paved, land.still(land.materials.of("grass_dry", 16)), land.rng.uniform(0, 0.8, 16), 0.1, 0.1
    )


def _paved(land: Land) -> int:
    paved = land.still(land.materials.blend({"asphalt": 0.7, "concrete": 0.3}, 1))
    return land.palette.add(paved, land.still(land.materials.of("soil", 1)), 0.2, 0.05, 0.1, 0.0, 0.05, 0.04)


def _halls(land: Land, where: np.ndarray, plots: Parcels) -> None:
    """Large roofs on hard ground: one parcel in some."""
    rng = land.rng
    chosen = where & (rng.random(plots.count) < rng.choice([0, 0.05, 0.25]))[plots.index]
    land.paint(chosen, _paved(land), "road")
    land.paint(chosen & (plots.edge > rng.uniform(2, 5)), _roofs(land) + plots.index % 48, "built")


def roads(land: Land) -> None:
    """Roads across everything, one to three fine pixels wide, sometimes a wider one; bridges included."""
    rng = land.rng
    for _ in range(rng.integers(0, 5)):
        half = rng.choice([0.5, 0.8, 1.2, 2.5], p=[0.4, 0.3, 0.2, 0.1])
        land.paint(line(rng, land.size, land.wide, rng.choice([0, 3, 25])) < half, _paved(land), "road", "road")


def snowfield(land: Land) -> None:
    """Snow above a height, patchy at its border."""
    rng = land.rng
    if rng.random() < 0.9:
        return
    rocky = land.still(land.materials.of("rock", 3))
    start = land.palette.add(
        land.still(land.materials.of("snow", 3)), rocky, rng.uniform(0, 0.3, 3), 0.1, 0.2, 0.1, 0.02, 0.02
    )
    high = land.height + 0.2 * land.middle + 0.1 * land.fine > rng.uniform(0.3, 1.5)
    land.paint(high & (land.use != CODE["water"]), start + (land.wide > 0), "snow", "snow")
