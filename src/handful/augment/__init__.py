"""Changes that leave what an image shows as it is: for training, for the support of a task, and for prediction.

Each is a word, some with an amount: `turns`, `haze=0.02`. Those that are no physics are here too, for pictures, but
nothing uses them by itself. A hue shift makes reflectances of another material, as hue is what a spectrum tells. A
zoom changes the ground distance, so that a pixel of 10 m shows crowns of 3 m as if they were of 5: what is learned of
texture is then wrong. Neither are there blurs, shears and stretched contrasts, for the same reasons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import SettingsError, did_you_mean


@dataclass(frozen=True)
class Kind:
    """What a word stands for.

    about   what it does, and what the amount is
    amount  where none is given; None where it takes none
    most    the largest amount
    """

    about: str
    amount: float | None = None
    most: float = 1.0


AUGMENTATIONS: dict[str, Kind] = {
    "turns": Kind("quarter turns and mirrors, all eight alike"),
    "crop": Kind("a window of this share of each side at any place; mirrored around it, so that the size stays", 0.8),
    "cutout": Kind("a square of this share of each side at any place, filled with the mean of the band", 0.3),
    "light": Kind("illumination: all bands of a date times one gain, whose logarithm has this deviation", 0.1),
    "jitter": Kind("calibration: a gain of each date with this deviation, and half of it for each band", 0.1),
    "haze": Kind("thin haze: the light of its path at 490 nm as reflectance, mostly below this", 0.02, 0.5),
    "noise": Kind("noise of the sensor, a grain a pixel: its deviation at a reflectance of 0.7", 0.005),
    "mixup": Kind("a weighted mean of two examples, the weight from a beta law with this parameter", 0.4, 100.0),
    "cutmix": Kind("a rectangle of another image; its share of the image as with mixup", 1.0, 100.0),
    "zoom": Kind("larger or smaller by up to this share: changes the ground distance", 0.2),
    "hue": Kind("colours turned around grey by up to this share of the circle: no reflectance", 0.1, 0.5),
}
MOVING = ("turns", "crop", "cutout", "cutmix", "zoom")  # for images
MIXING = ("mixup", "cutmix")  # of two examples
PIXELWISE = ("turns", "light", "jitter", "haze", "noise", "hue")  # each pixel can be found again afterwards


@dataclass(frozen=True)
class Step:
    """One change, and how much of it.

    >>> Step.of("haze=0.05")
    Step(name='haze', amount=0.05)
    """

    name: str
    amount: float = 0.0

    @classmethod
    def of(cls, word: str) -> Step:
        """Raises SettingsError where the word is unknown or its amount doesn't fit."""
        name, mark, told = word.strip().partition("=")
        if name not in AUGMENTATIONS:
            raise SettingsError(f"no augmentation is called '{name}'. {did_you_mean(name, list(AUGMENTATIONS))}")
        kind = AUGMENTATIONS[name]
        if kind.amount is None:
            if mark:
                raise SettingsError(f"augmentation '{name}' takes no amount: write '{name}' alone.")
            return cls(name)
        try:
            amount = float(told) if mark else kind.amount
        except ValueError:
            amount = -1.0
        if not 0 < amount <= kind.most:
            raise SettingsError(
                f"augmentation '{name}' has the amount '{told}': give a number above 0, at most {kind.most:g}, such "
                f"as '{name}={kind.amount:g}'."
            )
        return cls(name, amount)


def steps_of(words: Iterable[str]) -> tuple[Step, ...]:
    """The changes in their order. Raises SettingsError where a word is unknown, doesn't fit or comes twice."""
    steps = tuple(map(Step.of, words))
    names = [step.name for step in steps]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SettingsError(f"augmentation '{twice[0]}' is given twice: give it once.")
    return steps


def without(words: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """The words but for those of some names."""
    left_out = set(names)
    return tuple(word for word in words if Step.of(word).name not in left_out)
