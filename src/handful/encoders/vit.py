"""Vision transformers under the names of timm, so that weights from outside fit."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import SettingsError
from ..task import Inputs
from .bands import bands_of
from .outside import Levels, check_waves
from .resnet import resized

PATCH, DEPTH, EPS = 16, 12, 1e-6
FORMS = {"vit_tiny": (192, 3), "vit_small": (384, 6), "vit_base": (768, 12)}  # width and heads


class Attention(nn.Module):
    """Every token looks at all (Vaswani et al. 2017, arXiv:1706.03762)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        queries, keys, told = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(queries, keys, told).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(tokens)))


class Layer(nn.Module):
    """Attention and two layers at each token, each beside a shortcut, on normalised tokens."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, EPS), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, EPS), Mlp(width)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class Patches(nn.Module):
    """Squares of 16 pixels a side as tokens."""

    def __init__(self, bands: int, width: int):
        super().__init__()
        self.proj = nn.Conv2d(bands, width, PATCH, PATCH)

    def forward(self, images: Tensor) -> Tensor:
        return self.proj(images).flatten(2).transpose(1, 2)


class ViT(nn.Module):
    """Images (n, bands, ...) -> the class token (n, width) (Dosovitskiy et al. 2021, arXiv:2010.11929).

    side      images are brought to this side first, a multiple of 16
    waves     wavelength of each band in nm, where the weights are of other bands
    imagenet  bring bands of 0 to 1 to the mean and deviation that ImageNet's colours were trained with
    """

    reach = 0
    of_images = True  # one row an image, none of a pixel
    stride = PATCH
    first = "patch_embed.proj.weight"

    def __init__(
        self, bands: int, side: int = 224, waves: tuple[int, ...] = (), imagenet: bool = False, form: str = "vit_tiny"
    ):
        super().__init__()
        if side % PATCH or not side:
            raise SettingsError(f"side of encoder '{form}' is {side}: give a multiple of {PATCH}.")
        (width, heads), self.side, self.form, self.bands = FORMS[form], side, form, bands
        self.waves, self.levels = check_waves(form, bands, waves), Levels(bands, waves) if imagenet else nn.Identity()
        self.patch_embed = Patches(bands, width)
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + (side // PATCH) ** 2, width))
        self.blocks = nn.Sequential(*(Layer(width, heads) for _ in range(DEPTH)))
        self.norm, self.width = nn.LayerNorm(width, EPS), width

    def forward(self, inputs: Inputs) -> Tensor:
        return self.tokens(inputs)[:, 0]

    def unpooled(self, inputs: Inputs) -> Tensor:
        """Maps (n, width, ...), each pixel of which stands for a square of 16 pixels a side."""
        return self.tokens(inputs)[:, 1:].transpose(1, 2).unflatten(2, (self.side // PATCH,) * 2)

    def tokens(self, inputs: Inputs) -> Tensor:
        """(n, 1 + squares, width), the class token first."""
        images = self.levels(resized(bands_of(inputs).values, self.side))
        squares = self.patch_embed(images)
        tokens = torch.cat([self.cls_token.expand(len(squares), -1, -1), squares], 1) + self.pos_embed
        return self.norm(self.blocks(tokens))
