"""Omniglot: 1,623 characters of 50 alphabets, each drawn by 20 people (Lake et al. 2015).

Images of 28 x 28, ink 1 and paper 0, as in Vinyals et al. 2016 (arXiv 1606.04080). A character is a class, its alphabet
the group. In `omniglot-rotations` each character turned by 90, 180 and 270 degrees (counterclockwise) is a class of its
own, named as in Vinyals' lists: Greek/character01/rot090.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch

from ..errors import DataError
from ..problem import Classes
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .folders import once, present
from .zips import folders, image

SIDE = 28  # pixels
PARTS = {"images_background": "train", "images_evaluation": "test"}  # the official halves, and what each is for
ARCHIVES = [f"{part}.zip" for part in PARTS]
LISTS = "splits-vinyals"
LISTED = {"train": "train", "val": "validation", "test": "test"}
KEPT = 4  # characters
TURNS = tuple(f"/rot{90 * quarters:03d}" for quarters in range(4))
FEWEST = (1_100, 100)  # characters to train and to choose by; the rest, 423, are the test
SOURCE = "Get it from github.com/brendenlake/omniglot, python/ (MIT licence), and leave the archives packed."


@once
def half(archive: Path) -> dict[str, tuple[Path, tuple[str, ...]]]:
    """The archive and the members of each of its characters, by Alphabet/character01."""
    inside = [(folder.split("/"), members) for folder, members in folders(archive).items()]
    return {"/".join(at[1:]): (archive, names) for at, names in inside if at[0] == archive.stem and len(at) == 3}


def drawings(root: Path) -> dict[str, tuple[Path, tuple[str, ...]]]:
    return half(root / ARCHIVES[0]) | half(root / ARCHIVES[1])


def sites(root: Path, *, turned: bool = False) -> dict[str, str]:
    """The alphabet of each class."""
    if not present(root, ARCHIVES, SOURCE):
        return {}
    names = sorted(drawings(root))
    return {name + turn: name.split("/")[0] for name in names for turn in (TURNS if turned else ("",))}


def read(root: Path, name: str, group: str = "") -> Region:
    """One class: its drawings (n, 1, 28, 28). Turned drawings have the origin of the upright one."""
    character, turn = (name[: -len(TURNS[0])], name[-len(TURNS[0]) :]) if name.endswith(TURNS) else (name, TURNS[0])
    known = drawings(root)
    if character not in known:
        raise DataError(f"{root} has no character '{character}' in {' or '.join(ARCHIVES)}.")
    archive, members = known[character]
    ink = upright(archive, archive.stat().st_mtime_ns, members)
    inputs = torch.from_numpy(np.rot90(ink, TURNS.index(turn), (2, 3)).copy())
    examples = Examples(inputs, torch.zeros(len(members), dtype=torch.int64), Classes((name,)))
    return Region(name, examples, group, DATA.bands, members)


@lru_cache(maxsize=KEPT)
def upright(archive: Path, changed: int, members: tuple[str, ...]) -> np.ndarray:
    """The ink of a character's drawings (n, 1, 28, 28), kept for its other turns, which are read next."""
    return 1 - np.stack([image(archive, member, "L", SIDE) for member in members])[:, None].astype(np.float32) / 255


def splits(root: Path, *, turned: bool = False) -> dict[str, dict[str, str]]:
    """lake: by the official halves; 1100-100-423: as many characters; vinyals: the usual lists, where they are there.

    lake parts alphabets. The others don't: characters of one alphabet may be in two parts, as in the literature.
    """
    characters = {name: PARTS[archive.stem] for name, (archive, _) in drawings(root).items()}
    found = {"lake": characters, "1100-100-423": scattered(characters)}
    if (root / LISTS).is_dir():
        found["vinyals"] = listed(root / LISTS, characters)
    if not turned:
        return found
    return {split: {name + turn: part for name, part in of.items() for turn in TURNS} for split, of in found.items()}


def scattered(characters: dict[str, str]) -> dict[str, str]:
    """1,100 characters to train on, 100 to choose by and the rest to test on, in the order of their names' SHA-256.

    The counts are those of Finn et al. 2017 (arXiv 1703.03400), whose own order depended on the file system.
    """
    names = sorted(characters, key=lambda name: hashlib.sha256(name.encode()).digest())
    ends = FEWEST[0], sum(FEWEST)
    return {name: "train" if k < ends[0] else "validation" if k < ends[1] else "test" for k, name in enumerate(names)}


def listed(folder: Path, characters: dict[str, str]) -> dict[str, str]:
    """The part of each character in Vinyals' lists, which name each rotation. Raises DataError on a broken list."""
    found: dict[str, str] = {}
    for stem, part in LISTED.items():
        path = folder / f"{stem}.txt"
        try:
            lines = path.read_text("utf-8").split()
        except (OSError, UnicodeDecodeError) as why:
            raise DataError(f"{path} cannot be read ({why}): fetch the lists again, or remove the folder.") from why
        for name in sorted({line.rsplit("/", 1)[0] for line in lines}):
            if name not in characters or found.get(name, part) != part:
                fault = "is in another list too" if name in found else "is in neither archive"
                raise DataError(f"{path}: the character '{name}' {fault}.")
            found[name] = part
    return found


def data_set(name: str, turned: bool) -> DataSet:
    return DataSet(
        name=name,
        problem=None,
        bands=("ink",),
        sites=partial(sites, turned=turned),
        read=read,
        source=SOURCE,
        layout=(
            "images_background.zip and images_evaluation.zip, each PART/Alphabet/character01/*.png (any size); "
            "for Vinyals' split splits-vinyals/train.txt, val.txt and test.txt (Alphabet/character01/rot000 a line)"
        ),
        radiometry="ink 1, paper 0",
        site_is="class",
        shared=False,
        turns=False,
        family="omniglot",
        splits=partial(splits, turned=turned),
    )


DATA = data_set("omniglot", turned=False)
ROTATIONS = data_set("omniglot-rotations", turned=True)
