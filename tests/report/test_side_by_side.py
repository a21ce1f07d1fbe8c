"""One picture of a map: the same bytes for the same map, small enough for a page."""

from __future__ import annotations

import numpy as np

from handful.report.pictures import Pictures
from handful.report.side_by_side import SIDE, WIDE, side_by_side


def pictures(side: int = 64) -> Pictures:
    rng = np.random.default_rng(0)
    return Pictures(
        map=rng.integers(0, 3, (side, side)),
        colours={"water": "#2f7fc1", "$tr_ees$": "#206b38"},
        true_colour=rng.integers(0, 255, (side, side, 3), dtype=np.uint8),
        confidence=rng.random((side, side)),
        label_rows=np.array([3.5, 60.5]),
        label_columns=np.array([4.5, 2.5]),
        label_targets=np.array([0, 1]),
        north_up=True,
    )


def size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_the_same_map_gives_the_same_bytes():
    made = [side_by_side(pictures(), ["water", "$tr_ees$"]) for _ in range(2)]
    assert made[0] == made[1]
    assert size(made[0])[0] == WIDE > 3 * SIDE


def test_a_map_without_a_scene_or_confidence_still_has_a_picture():
    bare = Pictures(map=np.ones((8, 8), int), colours={"water": "#2f7fc1"})
    assert side_by_side(bare, ["water"]).startswith(b"\x89PNG")
