"""Bands of nets that others trained: which wavelengths their first layer saw, and how it is fitted to other bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import SettingsError

RGB = (665, 560, 490)  # nm; the order of colours in pictures
SENTINEL_2 = (443, 490, 560, 665, 705, 740, 783, 842, 865, 945, 1375, 1610, 2190)  # B1 to B12 with B8A, of Level-1C
KNOWN: dict[int, tuple[int, ...]] = {
    3: RGB,
    12: (*SENTINEL_2[:10], *SENTINEL_2[11:]),  # Level-2A, without the cirrus band
    13: SENTINEL_2,
}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue


def check_waves(name: str, bands: int, waves: Sequence[int]) -> tuple[int, ...]:
    """The wavelengths. Raises SettingsError where they aren't as many as the bands."""
    if waves and len(waves) != bands:
        raise SettingsError(f"encoder '{name}' has {bands} bands but {len(waves)} waves: give the nm of each band.")
    return tuple(waves)


def spread(values: Tensor, found: Sequence[int], wanted: Sequence[int]) -> Tensor:
    """Values (k, ...) at wavelengths `found` to (n, ...) at those `wanted`: linear between, the nearest beyond them."""
    order = np.argsort(found)
    places = np.interp(wanted, np.array(found)[order], np.arange(len(found)))
    below = np.floor(places).astype(int)
    above, share = np.minimum(below + 1, len(found) - 1), torch.tensor(places - below).to(values)
    share = share.view(-1, *[1] * (values.dim() - 1))
    low, high = values[order[below].tolist()], values[order[above].tolist()]
    return low * (1 - share) + high * share


def refitted(weight: Tensor, found: Sequence[int], wanted: Sequence[int]) -> Tensor:
    """A first layer (out, k, ...) for other bands: each has the weights of its wavelength, times k / n.

    So a surface that is equally bright in all bands gives about what it gave. The same bands give the same weights.
    """
    fitted = spread(weight.movedim(1, 0), found, wanted).movedim(0, 1)
    return fitted * (len(found) / len(wanted))


class Levels(nn.Module):
    """Bands of 0 to 1, less ImageNet's mean and over its deviation, at the wavelengths of the bands."""

    middle: Tensor
    deviation: Tensor

    def __init__(self, bands: int, waves: Sequence[int]):
        super().__init__()
        if not waves and bands != len(RGB):
            raise SettingsError(f"imagenet = true is of red, green and blue, not of {bands} bands: give their waves.")
        for name, told in (("middle", MEAN), ("deviation", DEVIATION)):
            at = spread(torch.tensor(told), RGB, waves or RGB).view(1, -1, 1, 1)
            self.register_buffer(name, at, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.middle) / self.deviation
