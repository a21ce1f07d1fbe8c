"""What is learned, kept as a folder: `model.safetensors` and `model.json`. Nothing in it is ever executed."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from . import __version__
from .errors import CheckpointError, SettingsError
from .files import check_regular, checksum, read_bounded, write_bytes, write_json
from .learner import Learner
from .learners import make

FORMAT = 1
WEIGHTS, RECORD = "model.safetensors", "model.json"
MOST_HEADER = 16 << 20  # bytes; the header of an honest checkpoint is a few kilobytes
MOST_JSON = 64 << 20
MOST_SETTING = 4096  # of a net's sizes: what is larger is not believed
AGAIN = "Fetch it again, or train anew with `handful train`."


def write_tensors(path: Path, tensors: Mapping[str, Tensor], told: dict[str, str] | None = None) -> None:
    """Tensors under their names, whole or not at all; the same tensors give the same bytes."""
    plain = {name: tensor.detach().contiguous().clone() for name, tensor in sorted(tensors.items())}
    write_bytes(path, save_tensors(plain, told))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file. Raises CheckpointError where it is missing, damaged or not honest about its size."""
    with reading(path):
        return load_file(path)


def read_told(path: Path) -> dict[str, str]:
    """What a file of tensors says beside them, as text by name. Raises CheckpointError."""
    with reading(path), safetensors.safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Within the block a file of tensors is read, once its header is known to be honest. Raises CheckpointError."""
    try:
        check_header(path)
        yield
    except PermissionError:  # the machine's fault, not the file's
        raise
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: give the whole folder that `handful train` wrote.") from None
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as why:
        raise CheckpointError(f"{path} cannot be read as safetensors ({why}). {AGAIN}") from why


def check_header(path: Path) -> None:
    """Raise CheckpointError where the header is longer than the file or than any honest one, before it is read."""
    check_regular(path)
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else None
    if length is None or length > size - 8:
        claim = f"its header claims {length:,} bytes" if length is not None else "it has no header"
        raise CheckpointError(f"{path} is damaged: {claim}, the file has {size:,}. {AGAIN}")
    if length > MOST_HEADER:
        raise CheckpointError(f"{path} has a header of {length:,} bytes; none needs over {MOST_HEADER:,}. {AGAIN}")


def read_record(folder: Path, name: str = RECORD) -> dict[str, Any]:
    """The JSON beside the tensors, as a dictionary. Raises CheckpointError."""
    path = folder / name
    try:
        record = json.loads(read_bounded(path, MOST_JSON))
    except PermissionError:  # the machine's fault, not the file's
        raise
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(f"{folder} holds no {name}: give the folder that `handful train` wrote.") from None
    except (OSError, ValueError, RecursionError) as why:
        raise CheckpointError(f"{path} cannot be read ({why}). {AGAIN}") from why
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not in format {FORMAT}: it was not written by this version of handful.")
    return record


def save(learner: Learner, name: str, folder: Path, **record: Any) -> None:
    """Keep a learner, called `name` in the catalogue, with whatever is worth recording beside it.

    The JSON comes last and says what the weights' checksum is: a folder that holds it is whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    write_tensors(folder / WEIGHTS, learner.net.state_dict())
    described = {"format": FORMAT, "handful": __version__, "learner": name, "settings": learner.settings()}
    write_json(folder / RECORD, described | {"weights": checksum(folder / WEIGHTS)} | record)


def load(folder: str | Path) -> tuple[Learner, dict[str, Any]]:
    """The learner of a checkpoint, and its record. Raises CheckpointError where anything doesn't fit."""
    folder = Path(folder)
    record, path = read_record(folder), folder / WEIGHTS
    if "learner" not in record:
        raise CheckpointError(f"{folder} is no checkpoint of a learner: give the folder that `handful train` wrote.")
    tensors = read_tensors(path)
    with torch.device("meta"):  # shapes only: a size that the file doesn't hold is refused before it takes memory
        check_tensors(described(folder, record).net.state_dict(), tensors, path)
    if record.get("weights", "") not in ("", checksum(path)):
        raise CheckpointError(f"{path} is not the one that {RECORD} beside it was written for. {AGAIN}")
    learner = described(folder, record)
    put_weights(learner.net, tensors, path)
    return learner, record


def described(folder: Path, record: Mapping[str, Any]) -> Learner:
    """A fresh learner as a record describes it. Raises CheckpointError where there is no such learner."""
    try:
        check_sizes(record["settings"])
        return make(str(record["learner"]), **record["settings"])
    except (
        SettingsError, LookupError, AttributeError, TypeError, ValueError, ArithmeticError, RuntimeError, MemoryError
    ) as why:  # fmt: skip
        raise CheckpointError(f"{folder / RECORD} describes no learner of this version: {why}") from why


def check_sizes(settings: Mapping[str, Any]) -> None:
    """Raise ValueError where a net's size is beyond belief."""
    sizes = {"outputs": settings.get("outputs", 1), **settings.get("encoder_settings", {})}
    for name, value in sizes.items():
        for number in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(number, (int, float)) and not abs(number) <= MOST_SETTING:
                raise ValueError(f"{name} is {number}, more than {MOST_SETTING}")


def check_tensors(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], source: Path) -> None:
    """Raise CheckpointError where names, shapes, kinds of numbers or values don't fit."""
    odd = sorted(set(wanted) ^ set(found))
    if odd:
        kinds = [f"{name} is {'missing' if name in wanted else 'unknown'}" for name in odd[:3]]
        raise CheckpointError(f"{source} is of another architecture: {', '.join(kinds)}. {AGAIN}")
    for name, tensor in found.items():
        shape, kind = tuple(wanted[name].shape), wanted[name].dtype
        if tuple(tensor.shape) != shape or tensor.dtype != kind:
            raise CheckpointError(
                f"{source} is of another architecture: {name} is {tuple(tensor.shape)} {tensor.dtype}, "
                f"expected {shape} {kind}. {AGAIN}"
            )
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{source} is damaged: {name} holds numbers that are not finite. {AGAIN}")


def put_weights(net: nn.Module, tensors: Mapping[str, Tensor], source: Path) -> None:
    """Weights into a net of the same architecture. Raises CheckpointError where they don't fit."""
    check_tensors(net.state_dict(), tensors, source)
    net.load_state_dict(dict(tensors))


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): w for name, w in tensors.items() if name.startswith(prefix)}
