"""What an encoder reads of one modality among several: images, scalars or series, some of them missing.

A modality is a tensor of the inputs by its name: images (n, bands, height, width), series (n, bands, time) or scalars
(n, d). `NAME.wavelengths` and `NAME.dates` (n, bands) may stand beside it; those of `bands` have no name before them.
It is missing where all of its values are NaN: at a pixel of an image, or in an example of anything else.
What changed between two of them is one more: `bands[12:]-bands[:12]`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import SettingsError, TaskError
from ..task import Inputs
from .bands import Bands, bands_of

MAIN = "bands"
PLACE = re.compile(r"([\w-]+)(?:\[(\d*):(\d*)\])?")
CHANGE = re.compile(r"(.+\])-(.+\])")


def check_modality(text: str) -> None:
    """Raise SettingsError where a text names no modality."""
    change = CHANGE.fullmatch(text)
    if not all(PLACE.fullmatch(part) for part in (change.groups() if change else [text])):
        raise SettingsError(
            f"'{text}' names no modality: write its name, as radar, some of its bands, as bands[12:14], or what "
            "changed between two, as bands[12:]-bands[:12]."
        )


def of_modality(inputs: Inputs, text: str) -> dict[str, Tensor]:
    """One modality as inputs of an encoder, by its name; `bands[12:14]` are its bands 12 and 13, counted from 0.

    Raises TaskError where the inputs have none of that name, no such bands, or two whose difference isn't defined.
    """
    change = CHANGE.fullmatch(text)
    if change:
        later, before = (of_modality(inputs, part) for part in change.groups())
        return changed(later, before, text)
    match = PLACE.fullmatch(text)
    assert match is not None
    name, first, end = match.groups()
    named = {MAIN: inputs} if isinstance(inputs, Tensor) else inputs
    if name not in named:
        there = ", ".join(key for key in named if "." not in key and key not in ("wavelengths", "dates"))
        raise TaskError(f"the inputs have no modality '{name}' but {there}: give it, full of NaN where it is missing.")
    begin = "" if name == MAIN else f"{name}."
    found = {key: named[begin + key] for key in ("wavelengths", "dates") if begin + key in named}
    chosen = slice(int(first or 0), int(end) if end else None)
    found = {MAIN: named[name], **found} if first is None else {
        key: value[:, chosen] for key, value in {MAIN: named[name], **found}.items()
    }  # fmt: skip
    if not found[MAIN].shape[1]:
        raise TaskError(f"'{text}' are no bands: the modality '{name}' has {named[name].shape[1]}.")
    return found


def changed(later: dict[str, Tensor], first: dict[str, Tensor], text: str) -> dict[str, Tensor]:
    """What the first becomes the later by, band by band; its wavelengths and dates are those of the later."""
    shapes = [tuple(one[MAIN].shape) for one in (later, first)]
    if shapes[0] != shapes[1]:
        raise TaskError(f"'{text}': {shapes[0]} less {shapes[1]} is no difference: name as many bands of each.")
    return later | {MAIN: later[MAIN] - first[MAIN]}


def known(values: Tensor) -> Tensor:
    """Where a modality isn't missing: (n, 1, height, width) of images, (n, 1) of anything else."""
    there = values.isfinite()
    return there.any(1, keepdim=True) if values.dim() == 4 else there.flatten(1).any(1, keepdim=True)


def filled(values: Tensor) -> Tensor:
    """The same values with 0 where there is none."""
    return values.nan_to_num(nan=0.0)


def laid_out(values: Tensor, space: Sequence[int]) -> Tensor:
    """Scalars and series blown up to images of a size, or flat where none is given; images as they are."""
    flat = values if values.dim() == 4 else values.flatten(1)
    return flat if flat.dim() == 4 or not space else flat[:, :, None, None].expand(-1, -1, *space)


def space_of(several: Sequence[Tensor]) -> tuple[int, ...]:
    """Height and width of the images among modalities, empty where none is. Raises TaskError where they differ."""
    sizes = {tuple(values.shape[2:]) for values in several if values.dim() == 4}
    if len(sizes) > 1:
        told = " and ".join(f"{height} x {width}" for height, width in sorted(sizes))
        raise TaskError(f"modalities of {told} pixels don't lie on each other: bring them to one grid first.")
    return sizes.pop() if sizes else ()


def stack(several: Sequence[dict[str, Tensor]]) -> Bands:
    """Modalities as the bands of one image, a scalar blown up to the patch; NaN stays. Dates follow each other."""
    parts = [bands_of(one) for one in several]
    space = space_of([part.values for part in parts])
    values = [laid_out(part.values, space) for part in parts]
    waves, dates, next_date = [], [], 0
    for part, laid in zip(parts, values, strict=True):
        optical = part.wavelengths.isfinite()
        plain = not bool(optical.any())
        waves.append(torch.full((laid.shape[1],), torch.nan) if plain else part.wavelengths)
        dates.append(torch.zeros(laid.shape[1], dtype=torch.long) if plain else part.dates + next_date)
        next_date += 0 if plain else int(part.dates.max()) + 1
    return Bands(torch.cat(values, 1), torch.cat(waves), torch.cat(dates))


def kept(count: int, several: int, dropout: float, like: Tensor) -> Tensor:
    """Which modalities stay while training (count, several): some are left out by chance, never all of an example's."""
    stays = torch.rand(count, several, device=like.device) >= dropout
    return stays | ~stays.any(1, keepdim=True)
