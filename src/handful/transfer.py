"""Encoders that others trained, from a local file of safetensors; and where any learner begins: there or a checkpoint.

A file is read by the names of its tensors: ResNets as torchvision and timm name them, vision transformers as either
does. Nothing is downloaded, neither package is imported, and pickles (.pth, .pt, .bin) are refused, since reading one
runs whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checkpoint import WEIGHTS, check_tensors, load, put_weights, read_record, read_tensors
from .encoders.outside import KNOWN, RGB, refitted
from .encoders.residual import FORMS as RESNETS
from .encoders.vit import DEPTH, PATCH
from .encoders.vit import FORMS as VITS
from .errors import CheckpointError, SettingsError
from .files import checksum
from .learner import Learner

FILE = "file:"  # what stands before such a path where a label could stand too
PICKLES = {".pth", ".pt", ".bin", ".ckpt", ".pkl", ".tar"}
ANCHORS = {"resnet": ("bn1.running_mean",), "vit": ("cls_token", "class_token")}  # one of them is in each such net
HEADS = ("fc.", "head.", "heads.", "fc_norm.", "head_dist.")  # of the classes that it was trained on
CONVERT = """in an environment of your own, convert a file whose source you trust:
  from torch import load
  from safetensors.torch import save_file
  found = load("{name}", map_location="cpu", weights_only=True)
  found = found.get("state_dict", found.get("model", found))
  save_file({{k: v.contiguous().clone() for k, v in found.items()}}, "{stem}.safetensors")"""
# torchvision's names of a vision transformer, and timm's
VIT_NAMES = (
    (r"^class_token$", "cls_token"),
    (r"^encoder\.pos_embedding$", "pos_embed"),
    (r"^conv_proj\.", "patch_embed.proj."),
    (r"^encoder\.ln\.", "norm."),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.ln_([12])\.", r"blocks.\1.norm\2."),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.self_attention\.in_proj_", r"blocks.\1.attn.qkv."),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.self_attention\.out_proj\.", r"blocks.\1.attn.proj."),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.mlp\.(?:0|linear_1)\.", r"blocks.\1.mlp.fc1."),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.mlp\.(?:3|linear_2)\.", r"blocks.\1.mlp.fc2."),
)


def begun_at(path: str | Path, learner: Learner) -> Learner:
    """The learner with the encoder of a checkpoint's folder, or with its own, begun with the weights of a file.

    Raises CheckpointError where the file isn't of this encoder, SettingsError where the bands need their wavelengths.
    """
    path = Path(path)
    if path.is_dir():
        source = load(path)[0]
        found = replace(learner, encoder=source.encoder, encoder_settings=source.encoder_settings)
        found.take_encoder(source.lent_encoder())
        return found
    found = replace(learner)
    begin(found.net.encoder, found.encoder, path)
    found.take_encoder(found.net.encoder)  # where a learner holds more of it than the encoder
    return found


def check_source(path: Path) -> None:
    """Raise CheckpointError where a start is missing, or is a pickle."""
    if path.suffix.lower() in PICKLES:
        told = CONVERT.format(name=path.name, stem=path.stem)
        raise CheckpointError(f"{path} is a pickle, which can run anything when it is read: {told}")
    if not path.exists():
        raise CheckpointError(f"{path} doesn't exist: give a file of safetensors, or the folder of a checkpoint.")


def print_of(path: Path) -> str:
    """The checksum of a checkpoint's weights, or of a file."""
    return checksum(path / WEIGHTS if path.is_dir() else path)


def trained_on(path: Path) -> list[str]:
    """The names of the regions that a checkpoint has seen; what a file from outside has seen, nobody can tell."""
    return list(read_record(path).get("trained", [])) if path.is_dir() else []


def begin(encoder: nn.Module, name: str, path: Path) -> None:
    """Give an encoder of the catalogue, by its name, the weights of a file."""
    tensors, form = read_outside(path)
    if form != name:
        raise CheckpointError(
            f"{path} looks like {form}, but the encoder is '{name}': set encoder = \"{form}\", or give another file."
        )
    weights = fitted(tensors, encoder, path)
    own = encoder.state_dict()
    counts = {key: w for key, w in own.items() if key.endswith("num_batches_tracked")}  # of no use
    weights = {key: w.to(own[key].dtype) if key in own else w for key, w in (counts | weights).items()}
    check_tensors(own, weights, path)
    put_weights(encoder, weights, path)


def read_outside(path: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors of a file under timm's names, without the head of its classes; and which encoder they are of.

    Raises CheckpointError for a pickle, and for a net of another form: it says what it looks like.
    """
    check_source(path)
    tensors = read_tensors(path)
    family, prefix = family_of(tensors, path)
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    if family == "vit":
        own = {renamed(name): tensor for name, tensor in own.items()}
    own = {name: tensor for name, tensor in own.items() if not name.startswith(HEADS)}
    return own, resnet_form(own, path) if family == "resnet" else vit_form(own, path)


def family_of(tensors: Mapping[str, Tensor], path: Path) -> tuple[str, str]:
    """Whether it is a ResNet or a transformer, and what stands before all names of it (module., backbone.)."""
    for family, anchors in ANCHORS.items():
        places = {name[: -len(anchor)] for anchor in anchors for name in tensors if name.endswith(anchor)}
        outer = sorted(place for place in places if not place or place.endswith("."))
        outer = [place for place in outer if not any(place != other and place.startswith(other) for other in outer)]
        outer = [place for place in outer if "layer" not in place and "blocks" not in place]
        if len(outer) > 1:
            raise CheckpointError(f"{path} holds several nets, {', '.join(outer)}: keep one when you convert it.")
        if outer:
            return family, outer[0]
    shown = ", ".join(sorted(tensors)[:3])
    raise CheckpointError(
        f"{path} looks like neither a ResNet nor a vision transformer (its tensors: {shown}, ...): "
        f"give weights of {', '.join([*RESNETS, *VITS])} under the names of torchvision or timm."
    )


def renamed(name: str) -> str:
    """timm's name for torchvision's.

    >>> renamed("encoder.layers.encoder_layer_3.self_attention.in_proj_weight")
    'blocks.3.attn.qkv.weight'
    """
    for pattern, own in VIT_NAMES:
        name = re.sub(pattern, own, name)
    return name


def resnet_form(tensors: Mapping[str, Tensor], path: Path) -> str:
    counts = tuple(count(tensors, rf"layer{level}\.(\d+)\.conv1\.weight") for level in (1, 2, 3, 4))
    kind = "wide" if "layer1.0.conv3.weight" in tensors else "basic"
    found = next((name for name, form in RESNETS.items() if form == (kind, counts)), None)
    if found is None:
        blocks = "bottlenecks" if kind == "wide" else "basic blocks"
        raise CheckpointError(
            f"{path} looks like a ResNet of {', '.join(map(str, counts))} {blocks}, which no encoder is: "
            f"give one of {', '.join(RESNETS)}."
        )
    return found


def vit_form(tensors: Mapping[str, Tensor], path: Path) -> str:
    first = tensors.get("patch_embed.proj.weight")
    width, patch = (0, 0) if first is None or first.dim() != 4 else (first.shape[0], first.shape[2])
    depth = count(tensors, r"blocks\.(\d+)\.norm1\.weight")
    found = next((name for name, (wide, _) in VITS.items() if wide == width), None)
    if found is None or (patch, depth) != (PATCH, DEPTH):
        raise CheckpointError(
            f"{path} looks like a vision transformer of {depth} layers, {width} features and patches of {patch} "
            f"pixels, which no encoder is: give one of {', '.join(VITS)}, of {DEPTH} layers and patches of {PATCH}."
        )
    return found


def count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    return len({match[1] for name in tensors if (match := re.fullmatch(pattern, name))})


def fitted(tensors: Mapping[str, Tensor], encoder: nn.Module, path: Path) -> dict[str, Tensor]:
    """The tensors, the first layer for the encoder's bands and the embeddings of places for its images."""
    first, bands = str(encoder.first), int(encoder.bands)  # type: ignore[arg-type]
    found = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    waves: tuple[int, ...] = tuple(encoder.waves) or (RGB if bands == len(RGB) else ())  # type: ignore[arg-type]
    had = found[first].shape[1] if first in found else 0
    if had and (had != bands or encoder.waves):
        if had not in KNOWN or not waves:
            raise SettingsError(
                f"{path} reads {had} bands, and the encoder {bands}: give the wavelengths of yours in nm as "
                f"waves in encoder_settings; files of {', '.join(map(str, KNOWN))} bands can be fitted."
            )
        found[first] = refitted(found[first], KNOWN[had], waves)
    if "pos_embed" in found:
        found["pos_embed"] = places(found["pos_embed"], int(encoder.side) // PATCH)  # type: ignore[arg-type]
    return found


def places(embedding: Tensor, side: int) -> Tensor:
    """Embeddings (1, 1 + squares, width) of places in a grid for one of `side` squares a side, bicubic; the class
    token's stays."""
    own, grid = embedding[:, :1], embedding[:, 1:]
    had = round(grid.shape[1] ** 0.5)
    if had == side or had**2 != grid.shape[1]:
        return embedding
    maps = grid.transpose(1, 2).unflatten(2, (had, had))
    maps = F.interpolate(maps, size=(side, side), mode="bicubic", antialias=True)
    return torch.cat([own, maps.flatten(2).transpose(1, 2)], 1)
