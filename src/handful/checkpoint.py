"""What is learned, kept as a folder: `model.safetensors` and `model.json`. Nothing in it is ever executed."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from .errors import CheckpointError, SettingsError
from .files import whole, write_json
from .learner import Learner
from .learners import make

FORMAT = 1
MOST_HEADER = 4 << 20  # bytes; the header of an honest checkpoint is a few kilobytes
MOST_JSON = 64 << 20


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Tensors under their names, whole or not at all; the same tensors give the same bytes."""
    with whole(path) as part:
        save_file({name: tensor.detach().contiguous() for name, tensor in sorted(tensors.items())}, part)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file. Raises CheckpointError where it is missing, damaged or not honest about its size."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > min(MOST_HEADER, size - 8):
            raise CheckpointError(f"{path} is damaged: its header claims {length:,} bytes. Make or fetch it again.")
        return load_file(path)
    except (OSError, safetensors.SafetensorError, ValueError, KeyError) as why:
        raise CheckpointError(f"{path} cannot be read as safetensors ({why}). Make or fetch it again.") from why


def read_record(folder: Path, name: str = "model.json") -> dict[str, Any]:
    """The JSON beside the tensors, as a dictionary. Raises CheckpointError."""
    path = folder / name
    try:
        if path.stat().st_size > MOST_JSON:
            raise CheckpointError(f"{path} is too large for a checkpoint's settings.")
        record = json.loads(path.read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{folder} holds no {name}: give the folder that `handful train` wrote.") from None
    except (OSError, ValueError, RecursionError) as why:
        raise CheckpointError(f"{path} cannot be read ({why}). Make or fetch it again.") from why
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not in format {FORMAT}: it was not written by this version of handful.")
    return record


def save(learner: Learner, name: str, folder: Path, **record: Any) -> None:
    """Keep a learner, called `name` in the catalogue, with whatever is worth recording beside it; the JSON comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / "model.safetensors", learner.net.state_dict())
    write_json(folder / "model.json", {"format": FORMAT, "learner": name, "settings": learner.settings(), **record})


def load(folder: str | Path) -> tuple[Learner, dict[str, Any]]:
    """The learner of a checkpoint, and its record. Raises CheckpointError where anything doesn't fit."""
    folder = Path(folder)
    record = read_record(folder)
    try:
        learner = make(str(record["learner"]), **record["settings"])
    except (SettingsError, KeyError, TypeError, ValueError, RuntimeError) as why:
        raise CheckpointError(f"{folder / 'model.json'} describes no learner of this version: {why}") from why
    put_weights(learner.net, read_tensors(folder / "model.safetensors"), folder)
    return learner, record


def put_weights(net: torch.nn.Module, tensors: Mapping[str, Tensor], source: Path) -> None:
    """Weights into a net of the same architecture. Raises CheckpointError where names, shapes or values don't fit."""
    wanted = net.state_dict()
    odd = sorted(set(wanted) ^ set(tensors))
    if odd:
        raise CheckpointError(f"{source} is of another architecture: it differs in {', '.join(odd[:3])}.")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape or tensor.dtype != wanted[name].dtype:
            raise CheckpointError(
                f"{source} is of another architecture: {name} is {tuple(tensor.shape)} {tensor.dtype}, "
                f"expected {tuple(wanted[name].shape)} {wanted[name].dtype}."
            )
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{source} is damaged: {name} holds numbers that are not finite.")
    net.load_state_dict(dict(tensors))
