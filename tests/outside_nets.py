"""Nets as torchvision and timm name them, at random, and what they answer: written with torch's functions alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Weights = dict[str, Tensor]
COUNTS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}


def conv(draw: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=draw) * (2 / (shape[1] * shape[2] * shape[3])) ** 0.5


def norm(name: str, width: int, draw: torch.Generator) -> Weights:
    return {
        f"{name}.weight": 1 + 0.1 * torch.randn(width, generator=draw),
        f"{name}.bias": 0.1 * torch.randn(width, generator=draw),
        f"{name}.running_mean": 0.1 * torch.randn(width, generator=draw),
        f"{name}.running_var": 0.5 + torch.rand(width, generator=draw),
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def resnet(name: str, bands: int = 3, seed: int = 0) -> Weights:
    """The state dict of torchvision's (and timm's) resnet of that name, 1,000 classes."""
    draw, wide = torch.Generator().manual_seed(seed), name in ("resnet50", "resnet101")
    found = {"conv1.weight": conv(draw, 64, bands, 7, 7)} | norm("bn1", 64, draw)
    width = 64
    for level, count in enumerate(COUNTS[name]):
        inner = 64 * 2**level
        outer = inner * (4 if wide else 1)
        for block in range(count):
            at = f"layer{level + 1}.{block}"
            shapes = [(inner, width, 1), (inner, inner, 3), (outer, inner, 1)] if wide else []
            shapes = shapes or [(inner, width, 3), (inner, inner, 3)]
            for number, (a, b, kernel) in enumerate(shapes, 1):
                found[f"{at}.conv{number}.weight"] = conv(draw, a, b, kernel, kernel)
                found |= norm(f"{at}.bn{number}", a, draw)
            if block == 0 and (level > 0 or width != outer):
                found[f"{at}.downsample.0.weight"] = conv(draw, outer, width, 1, 1)
                found |= norm(f"{at}.downsample.1", outer, draw)
            width = outer
    return found | {"fc.weight": torch.randn(1000, width, generator=draw), "fc.bias": torch.zeros(1000)}


def resnet_answers(weights: Weights, images: Tensor) -> Tensor:
    """Averaged features, as torchvision computes them in eval mode."""

    def bn(maps: Tensor, at: str) -> Tensor:
        told = [weights[f"{at}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(maps, *told, training=False, eps=1e-5)

    maps = F.relu(bn(F.conv2d(images, weights["conv1.weight"], stride=2, padding=3), "bn1"))
    maps = F.max_pool2d(maps, kernel_size=3, stride=2, padding=1)
    for level in (1, 2, 3, 4):
        block = 0
        while f"layer{level}.{block}.conv1.weight" in weights:
            at, stride = f"layer{level}.{block}", 2 if level > 1 and block == 0 else 1
            deep = f"{at}.conv3.weight" in weights
            w = [weights[f"{at}.conv{i}.weight"] for i in range(1, 4 if deep else 3)]
            if deep:
                found = F.relu(bn(F.conv2d(maps, w[0]), f"{at}.bn1"))
                found = F.relu(bn(F.conv2d(found, w[1], stride=stride, padding=1), f"{at}.bn2"))
                found = bn(F.conv2d(found, w[2]), f"{at}.bn3")
            else:
                found = F.relu(bn(F.conv2d(maps, w[0], stride=stride, padding=1), f"{at}.bn1"))
                found = bn(F.conv2d(found, w[1], padding=1), f"{at}.bn2")
            if f"{at}.downsample.0.weight" in weights:
                maps = bn(F.conv2d(maps, weights[f"{at}.downsample.0.weight"], stride=stride), f"{at}.downsample.1")
            maps = F.relu(found + maps)
            block += 1
    return maps.mean((2, 3))


def vit(width: int = 192, grid: int = 2, bands: int = 3, depth: int = 12, patch: int = 16, seed: int = 0) -> Weights:
    """The state dict of timm's vit_*_patch16."""
    draw = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> Tensor:
        return 0.05 * torch.randn(shape, generator=draw)

    found = {"cls_token": some(1, 1, width), "pos_embed": some(1, 1 + grid**2, width)}
    found |= {"patch_embed.proj.weight": some(width, bands, patch, patch), "patch_embed.proj.bias": some(width)}
    for number in range(depth):
        at = f"blocks.{number}"
        for part in ("norm1", "norm2"):
            found |= {f"{at}.{part}.weight": 1 + some(width), f"{at}.{part}.bias": some(width)}
        sizes = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
        sizes |= {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
        for part, shape in sizes.items():
            found |= {f"{at}.{part}.weight": some(*shape), f"{at}.{part}.bias": some(shape[0])}
    found |= {"norm.weight": 1 + some(width), "norm.bias": some(width)}
    return found | {"head.weight": some(1000, width), "head.bias": some(1000)}


def vit_answers(weights: Weights, images: Tensor, heads: int) -> Tensor:
    """The class token, by torch's own encoder layer with its norms first."""
    width = weights["cls_token"].shape[2]
    squares = F.conv2d(images, weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"], stride=16)
    tokens = squares.flatten(2).transpose(1, 2)
    tokens = torch.cat([weights["cls_token"].expand(len(tokens), -1, -1), tokens], 1) + weights["pos_embed"]
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True)
    layer.eval()
    own = {"self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear1.": "mlp.fc1."}
    own |= {"linear2.": "mlp.fc2.", "norm1.": "norm1.", "norm2.": "norm2."}
    for number in range(12):
        state = {
            f"{mine}{kind}": weights[f"blocks.{number}.{theirs}{kind}"]
            for mine, theirs in own.items()
            for kind in ("weight", "bias")
        }
        layer.load_state_dict(state)
        tokens = layer(tokens)
    return F.layer_norm(tokens, (width,), weights["norm.weight"], weights["norm.bias"], 1e-6)[:, 0]


def as_torchvision(weights: Weights) -> Weights:
    """The same transformer as torchvision names it."""
    names = {"cls_token": "class_token", "pos_embed": "encoder.pos_embedding"}
    names |= {f"patch_embed.proj.{kind}": f"conv_proj.{kind}" for kind in ("weight", "bias")}
    names |= {f"norm.{kind}": f"encoder.ln.{kind}" for kind in ("weight", "bias")}
    names |= {f"head.{kind}": f"heads.head.{kind}" for kind in ("weight", "bias")}
    for number in range(12):
        at, theirs = f"blocks.{number}", f"encoder.layers.encoder_layer_{number}"
        for kind in ("weight", "bias"):
            names[f"{at}.norm1.{kind}"], names[f"{at}.norm2.{kind}"] = f"{theirs}.ln_1.{kind}", f"{theirs}.ln_2.{kind}"
            names[f"{at}.attn.qkv.{kind}"] = f"{theirs}.self_attention.in_proj_{kind}"
            names[f"{at}.attn.proj.{kind}"] = f"{theirs}.self_attention.out_proj.{kind}"
            names[f"{at}.mlp.fc1.{kind}"] = f"{theirs}.mlp.0.{kind}"
            names[f"{at}.mlp.fc2.{kind}"] = f"{theirs}.mlp.3.{kind}"
    return {names[name]: tensor for name, tensor in weights.items()}
