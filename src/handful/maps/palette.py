"""Colours of classes: the user's, the label layer's, by the name of the class, else told apart by anyone."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from ..errors import SettingsError, did_you_mean
from ..files import read_bounded
from .colour import difference, from_lab, lab
from .colour_words import THEMES, words

# Okabe and Ito (2008), then Tol's "muted" and "bright" schemes (2021): chosen for colour-blind readers.
SAFE = (
    *("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"),
    *("#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499"),
    *("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb", "#000000"),
)
MOST = 8 << 20  # bytes of a palette; 65,534 long names need less
APART = 14.0  # CIELAB distance below which two colours of a legend are taken for one
SAME = 3.0  # below it the eye sees one colour: even the layer's own are then moved apart


def palette(
    names: Sequence[str], *, layer: Mapping[str, str] | None = None, user: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A colour "#rrggbb" for every class, no two alike unless the user asked for it.

    names  the classes, in the order of the map's values
    layer  colours that came with the labels: kept unless two are the same to the eye or one isn't #rrggbb
    user   colours from `--palette`: kept as they are

    >>> palette(["water", "forest"])["water"]
    '#2f7fc1'
    """
    chosen = {name: user[name] for name in names if user and name in user}
    for name in names:
        own = _hex(layer[name]) if layer and name in layer else None
        if name not in chosen and own and _nearest(own, chosen.values()) >= SAME:
            chosen[name] = own
    rest = [name for name in names if name not in chosen]
    for name in sorted(rest, key=lambda name: theme(name) is None):  # stable: customs first, else in their order
        shades = (*(theme(name) or ()), *SAFE)
        free = next((shade for shade in shades if _nearest(shade, chosen.values()) >= APART), None)
        if free:
            chosen[name] = free
    rest = [name for name in rest if name not in chosen]
    chosen |= dict(zip(rest, _farthest(list(chosen.values()), len(rest)), strict=True))
    return {name: chosen[name] for name in names}


def theme(name: str) -> tuple[str, ...] | None:
    """The shades that a class of this name is drawn in by custom, best first; None where no word is known."""
    found = words(name)
    for shades, patterns in THEMES:
        if patterns.search(found):
            return shades
    return None


def _farthest(used: list[str], count: int) -> list[str]:
    """So many colours of the pool, each the farthest from all before it."""
    pool, found = _pool(), list[str]()
    away = difference(pool, used).min(1) if used else np.full(len(pool), np.inf)
    for _ in range(count):
        found.append(pool[int(away.argmax())])
        away = np.minimum(away, difference(pool, found[-1:])[:, 0])
    return found


def _nearest(colour: str, used: Iterable[str]) -> float:
    others = list(used)
    return float(difference([colour], others).min()) if others else float("inf")


@cache
def _pool() -> tuple[str, ...]:
    """Some 2,000 colours spread over CIELAB, none too pale or dark to be seen on a page."""
    grid = np.stack(np.meshgrid(np.arange(28, 92, 6.0), *[np.arange(-90, 91, 9.0)] * 2, indexing="ij"), -1)
    points = grid.reshape(-1, 3)
    colours = from_lab(points)
    inside = np.abs(lab(colours) - points).max(1) < 2  # what sRGB cannot show comes back changed
    return tuple(colour for colour, keep in zip(colours, inside, strict=True) if keep)


def read_palette(path: str | Path, names: Sequence[str]) -> dict[str, str]:
    """Colours from a file: JSON `{"class": "#rrggbb"}`, or CSV (also ; or tab) with a class and a colour a line.

    Raises SettingsError for a file that cannot be read, an unknown class or a colour in another notation.
    """
    try:
        text = read_bounded(path, MOST).decode("utf-8-sig")
    except PermissionError:  # the machine's fault, not the file's
        raise
    except (OSError, ValueError) as why:
        raise SettingsError(f"palette {path} cannot be read ({why}): give a JSON or CSV text file.") from why
    pairs = _from_json(path, text) if text.lstrip().startswith("{") else _from_csv(text)
    if not pairs:
        raise SettingsError(f'palette {path} names no colour: expected {{"class": "#rrggbb"}}, or a CSV of the two.')
    return {_known(path, name, names): _colour(path, name, value) for name, value in pairs}


def _from_json(path: str | Path, text: str) -> list[tuple[str, str]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as why:
        raise SettingsError(f'palette {path} is not valid JSON ({why}): expected {{"class": "#rrggbb"}}.') from why
    return [(str(name), str(value)) for name, value in content.items()]


def _from_csv(text: str) -> list[tuple[str, str]]:
    """The first two cells of every line that isn't empty, a header line left out."""
    lines = [line for line in text.splitlines() if line.strip()]
    delimiter = max(",;\t", key=lambda mark: sum(mark in line for line in lines))
    cells = [(row[0].strip(), row[1].strip() if len(row) > 1 else "") for row in csv.reader(lines, delimiter=delimiter)]
    return cells[1:] if cells and cells[0][1].casefold() in ("colour", "color", "hex", "rgb") else cells


def _known(path: str | Path, name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise SettingsError(f"palette {path} names class '{name}', which has no label. {did_you_mean(name, [*names])}")
    return name


def _colour(path: str | Path, name: str, value: str) -> str:
    colour = _hex(value)
    if colour is None:
        raise SettingsError(f"palette {path} gives '{value}' to class '{name}': write the colour as #rrggbb.")
    return colour


def _hex(value: str) -> str | None:
    """A colour of three or six hexadecimal digits as "#rrggbb"; None for anything else."""
    digits = value.removeprefix("#").lower()
    full = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    return f"#{full}" if re.fullmatch("[0-9a-f]{6}", full) else None
