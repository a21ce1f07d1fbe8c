"""Which sites are trained on, chosen on and tested on; groups never part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import SettingsError, did_you_mean


@dataclass(frozen=True)
class Fold:
    """One split of the sites, by their names in order."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
            both = sorted(set(parts[first]) & set(parts[second]))
            if both:
                raise SettingsError(
                    f"site '{both[0]}' is in two parts of the split, {first} and {second}: keep it in one of them."
                )


Wanted = tuple[str, ...] | int | float  # groups by name, a number of sites, or a share of them


def own_groups(groups: Mapping[str, str]) -> dict[str, str]:
    """A site without a group is a group of its own."""
    return {name: group or name for name, group in groups.items()}


def drawn_groups(groups: Mapping[str, str], wanted: float, rng: np.random.Generator) -> set[str]:
    """Groups drawn until they hold that many sites; one that would make it more than twice as many is passed over."""
    names = list(groups.values())
    held: set[str] = set()
    count = 0
    for group in rng.permutation(sorted(set(names))):
        size = names.count(group)
        if count < wanted and count + size <= 2 * wanted:
            held.add(str(group))
            count += size
    return held


def held_groups(groups: Mapping[str, str], wanted: Wanted, rng: np.random.Generator, what: str) -> set[str]:
    """The groups that are held out, by name, number of sites or share. Raises SettingsError for an unknown one."""
    if isinstance(wanted, tuple):
        known = sorted(set(groups.values()))
        unknown = [group for group in wanted if group not in known]
        if unknown:
            raise SettingsError(f"{what}: the data have no group '{unknown[0]}'. {did_you_mean(unknown[0], known)}")
        return set(wanted)
    number = wanted if isinstance(wanted, int) else wanted * len(groups)
    found = drawn_groups(groups, number, rng)
    several = sorted(set(groups.values()), key=lambda group: (list(groups.values()).count(group), group))
    return found or (set(several[:1]) if number and len(several) > 1 else set())  # all are too large: the smallest


def parted(groups: Mapping[str, str], test: set[str], validation: Wanted, name: str, seed: int) -> Fold:
    """The fold that tests on some groups and chooses on others."""
    rest = {site: group for site, group in groups.items() if group not in test}
    if isinstance(validation, tuple) and set(validation) & test:
        shared = sorted(set(validation) & test)[0]
        raise SettingsError(f"group '{shared}' is in two parts of the split, validation and test: keep it in one.")
    held = held_groups(rest, validation, np.random.default_rng([seed, 1]), "[data] validation") if rest else set()
    return Fold(
        name,
        tuple(site for site, group in rest.items() if group not in held),
        tuple(site for site, group in rest.items() if group in held),
        tuple(site for site, group in groups.items() if group in test),
    )


def drawn_folds(groups: Mapping[str, str], test: Wanted, validation: Wanted, repeats: int, seed: int) -> list[Fold]:
    """As many draws of a test part; the same seed gives the same folds."""
    own = own_groups(groups)
    folds = []
    for repeat in range(repeats):
        held = held_groups(own, test, np.random.default_rng([seed, repeat]), "[data] test")
        folds.append(parted(own, held, validation, f"split {repeat + 1}" if repeats > 1 else "", seed + repeat))
    return folds


def one_out(groups: Mapping[str, str], validation: Wanted, seed: int) -> list[Fold]:
    """A fold a group: it is the test, all others are for training and choosing."""
    own = own_groups(groups)
    share: Wanted = validation if not isinstance(validation, tuple) else 0.1
    return [parted(own, {group}, share, group, seed) for group in sorted(set(own.values()))]


def official(groups: Mapping[str, str], parts: Mapping[str, str], validation: Wanted, seed: int) -> list[Fold]:
    """The data set's own split; where it has no part for choosing, one is drawn from that for training."""
    sites = {part: tuple(s for s in groups if parts.get(s) == part) for part in ("train", "validation", "test")}
    if sites["validation"] or not sites["train"]:
        return [Fold("", sites["train"], sites["validation"], sites["test"])]
    own = {site: own_groups(groups)[site] for site in sites["train"]}
    fold = parted(own, set(), validation, "", seed)
    return [Fold("", fold.train, fold.validation, sites["test"])]


def crossing(folds: Sequence[Fold], groups: Mapping[str, str]) -> list[str]:
    """Groups that an official split has in more than one part, as sentences."""
    own, told = own_groups(groups), []
    for fold in folds:
        parts = {"training": fold.train, "choosing": fold.validation, "testing": fold.test}
        of_group: dict[str, list[str]] = {}
        for part, sites in parts.items():
            for group in dict.fromkeys(own[site] for site in sites if site in own):
                of_group.setdefault(group, []).append(part)
        told += [f"group '{g}' is in {' and '.join(p)}" for g, p in sorted(of_group.items()) if len(p) > 1]
    return told
