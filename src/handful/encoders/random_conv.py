"""Random convolutional features: as good as many learned ones, for nothing (MOSAIKS)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Inputs
from .bands import bands_of

SPREAD = 0.1  # a usual deviation of values between 0 and 1: answers are then of the size of the shifts


class RandomConv(nn.Module):
    """Rolf et al. 2021 (Nature Communications 12, 4392, doi:10.1038/s41467-021-24638-z): convolution with random
    patches, and what each exceeds and falls below a threshold, averaged over the image.

    bands  of an image
    width  features: half of them positive parts, half negative
    patch  side of a patch, in pixels (odd)
    pool   average over the image; False keeps a map of features, averaged over windows of `window` pixels
    seed   of the patches

    Differs: the paper draws patches from its training images and whitens them (Coates & Ng 2012). Here they are
    Gaussian, of mean 0 and norm 1, drawn from the seed: no image is looked at, so every task has the same features
    whatever the training part. A patch doesn't see an even grey, but it sees colours.
    (n, bands, height, width) -> (n, width) or (n, width, height, width of the image).
    """

    patches: Tensor
    shifts: Tensor

    def __init__(self, bands: int, width: int = 256, patch: int = 3, pool: bool = True, window: int = 5, seed: int = 0):
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        patches = torch.randn(width // 2, bands, patch, patch, generator=draw)
        patches -= patches.mean((1, 2, 3), keepdim=True)
        self.register_buffer("patches", patches / patches.flatten(1).norm(dim=1)[:, None, None, None])
        self.register_buffer("shifts", 0.5 * torch.randn(width // 2, generator=draw))
        self.width, self.pool, self.window = 2 * (width // 2), pool, window
        self.reach = 0 if pool else patch // 2 + window // 2

    def forward(self, inputs: Inputs) -> Tensor:
        maps = bands_of(inputs).values
        side = self.patches.shape[-1] // 2
        found = [self.features(F.pad(image[None], [side] * 4, mode="replicate")) for image in maps]
        return torch.cat(found)

    def features(self, image: Tensor) -> Tensor:
        """Of one padded image (1, bands, height, width): memory then follows an image, not the set of them."""
        answers = F.conv2d(image / SPREAD, self.patches) + self.shifts[:, None, None]
        both = torch.cat([answers.relu(), (-answers).relu()], 1)
        if self.pool:
            return both.mean((2, 3))
        side = self.window // 2
        return F.avg_pool2d(F.pad(both, [side] * 4, mode="replicate"), self.window, stride=1)
