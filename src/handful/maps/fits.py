"""Whether a file can hold what its header promises: found without reading a pixel or allocating by the header."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import SceneError

# Bytes that one compressed byte can become at most, by TIFF compression: none, LZW, deflate (two numbers), PackBits.
EXPANDS = {1: 1, 5: 4000, 8: 1100, 32946: 1100, 32773: 130}
LARGE = 2**28  # bytes of one block beyond which the file must be able to hold it
MOST_PER_BYTE = 100_000  # of any other format
TYPES = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
WIDTH, LENGTH, BITS, COMPRESSION, SAMPLES, STRIP_ROWS, PLANAR = 256, 257, 258, 259, 277, 278, 284
TILE_WIDTH, TILE_LENGTH = 322, 323
OFFSETS, COUNTS = (273, 324), (279, 325)  # of strips, of tiles


class DoesNotFit(Exception):
    """Why a file can't hold what it promises."""


@dataclass(frozen=True)
class Blocks:
    """The blocks of a TIFF's first image: where each begins, its bytes in the file, its bytes when decoded."""

    offsets: np.ndarray
    counts: np.ndarray
    decoded: int
    expected: int
    compression: int
    height: int
    width: int
    across: int
    length: int


@dataclass(frozen=True)
class Stored:
    """The blocks of a sparse TIFF that hold pixels: their size, how many lie side by side, their numbers."""

    height: int
    width: int
    across: int
    numbers: np.ndarray


def check_fits(path: Path, driver: str) -> Stored | None:
    """Raise SceneError where a file is truncated or its header promises more than it can hold.

    Returns which blocks of a sparse TIFF hold pixels, None for any other file.
    """
    size = os.path.getsize(path)
    try:
        with open(path, "rb") as file:
            if driver == "GTiff":
                return _tiff(file, size)
            if driver == "JP2OpenJPEG":
                _jpeg2000(file, size)
    except (DoesNotFit, struct.error, ValueError, IndexError, OverflowError) as why:
        raise SceneError(
            f"{path} is truncated or damaged: {why or 'its header can not be read'}. Copy or download it again."
        ) from why
    return None


def check_plausible(path: Path, driver: str, height: int, width: int, bands: int, item: int) -> None:
    """Raise SceneError where an image of another format would grow beyond belief when decoded."""
    decoded, size = height * width * bands * item, os.path.getsize(path)
    most = size if driver == "ENVI" else max(LARGE, MOST_PER_BYTE * size)
    if decoded > most and driver in ("JP2OpenJPEG", "PNG", "JPEG", "GIF", "ENVI"):
        raise SceneError(
            f"{path} is damaged: its header promises {decoded:,} bytes of pixels in {size:,} bytes. Download it again."
        )


def _tiff(file: BinaryIO, size: int) -> Stored | None:
    blocks = _blocks(_tags(file, size))
    if blocks is None:
        return Stored(1, 1, 1, np.zeros(0, int))
    stored = (blocks.offsets > 0) & (blocks.counts > 0)
    ends = blocks.offsets + blocks.counts
    if (ends[stored] > size).any() or (blocks.offsets[stored] < 0).any():
        raise DoesNotFit(f"its pixels should reach to byte {int(ends.max()):,}, but the file has {size:,}")
    if len(blocks.offsets) < blocks.expected:
        raise DoesNotFit(f"its header promises {blocks.expected:,} blocks of pixels, but the file has {len(stored):,}")
    _check_decoded(blocks, stored)
    if stored.all():
        return None
    plane = max(1, blocks.across * -(-blocks.length // blocks.height))
    return Stored(blocks.height, blocks.width, blocks.across, np.unique(np.flatnonzero(stored) % plane))


def _check_decoded(blocks: Blocks, stored: np.ndarray) -> None:
    """Could the stored bytes become the promised ones? The last strip of a plane may be short."""
    if not stored.any():
        return
    largest = int(blocks.counts[stored].max())
    if largest == 1:  # unknown
        return
    most = largest * EXPANDS.get(blocks.compression, MOST_PER_BYTE)
    if blocks.decoded > most and (blocks.compression in EXPANDS or blocks.decoded > LARGE):
        raise DoesNotFit(f"its header promises {blocks.decoded:,} bytes a block, but the largest has {largest:,}")


def _blocks(tags: dict[int, np.ndarray]) -> Blocks | None:
    """The blocks that tags describe; None where nothing is stored."""
    tiled = OFFSETS[1] in tags or TILE_WIDTH in tags
    offsets, counts = tags.get(OFFSETS[tiled]), tags.get(COUNTS[tiled])
    width, length, samples = _one(tags, WIDTH), _one(tags, LENGTH), _one(tags, SAMPLES, 1)
    if not width or not length:
        raise DoesNotFit("its header has no width and height")
    if offsets is None or not len(offsets):
        return None
    if counts is None:  # old writers leave them out: then a stored block may have any length
        counts = np.ones(len(offsets), int)
    if tiled:
        block_width, rows = _one(tags, TILE_WIDTH), _one(tags, TILE_LENGTH)
    else:
        block_width, rows = width, min(_one(tags, STRIP_ROWS, length), length)
    if not block_width or not rows or not samples:
        raise DoesNotFit("its header promises blocks without pixels")
    planes, together = (samples, 1) if _one(tags, PLANAR, 1) == 2 else (1, samples)
    across = -(-width // block_width)
    expected = across * -(-length // rows) * planes
    decoded = -(-block_width * together * _one(tags, BITS, 1) // 8) * rows
    common = min(len(offsets), len(counts), expected)
    kept = offsets[:common].astype(np.int64), counts[:common].astype(np.int64)
    return Blocks(*kept, decoded, expected, _one(tags, COMPRESSION, 1), rows, block_width, across, length)


def _one(tags: dict[int, np.ndarray], tag: int, default: int = 0) -> int:
    values = tags.get(tag)
    return int(values[0]) if values is not None and len(values) else default


def _tags(file: BinaryIO, size: int) -> dict[int, np.ndarray]:
    """The integer tags of the first directory of a classic or a big TIFF."""
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    start = struct.unpack(order + ("Q" if big else "I"), head[8:16] if big else head[4:8])[0]
    count_form, entry_form = ("Q", "HHQ8s") if big else ("H", "HHI4s")
    count_size, entry_size = struct.calcsize(count_form), struct.calcsize("<" + entry_form)
    if start + count_size > size:
        raise DoesNotFit(f"its directory should be at byte {start:,}, but the file has {size:,}")
    file.seek(start)
    entries = struct.unpack(order + count_form, file.read(count_size))[0]
    if start + entries * entry_size > size:
        raise DoesNotFit(f"its directory of {entries:,} entries goes beyond the file's {size:,} bytes")
    content = file.read(entries * entry_size)
    tags = {}
    for i in range(entries):
        entry = content[i * entry_size : (i + 1) * entry_size]
        tag, kind, count, inline = struct.unpack(order + entry_form, entry)
        if kind in TYPES:
            tags[tag] = _values(file, size, order, TYPES[kind], count, inline)
    return tags


def _values(file: BinaryIO, size: int, order: str, kind: str, count: int, inline: bytes) -> np.ndarray:
    form = np.dtype(order + kind)
    length = form.itemsize * count
    if length <= len(inline):
        return np.frombuffer(inline[:length], form)
    at = struct.unpack(order + ("Q" if len(inline) == 8 else "I"), inline)[0]
    if at + length > size:
        raise DoesNotFit(f"its header should reach to byte {at + length:,}, but the file has {size:,}")
    file.seek(at)
    return np.frombuffer(file.read(length), form)


def _jpeg2000(file: BinaryIO, size: int) -> None:
    """Walk the boxes of a JP2 to its codestream, and see that this is whole."""
    at, raw = 0, file.read(4) == b"\xff\x4f\xff\x51"
    while not raw and at + 8 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = struct.unpack(">Q", file.read(8))[0]
        length = length or size - at
        if at + length > size or length < 8:
            raise DoesNotFit(f"its box '{name.decode('latin1')}' should reach to byte {at + length:,} of {size:,}")
        if name == b"jp2c":
            size, raw = at + length, True
        at += length
    file.seek(size - 2)
    if not raw or file.read(2) != b"\xff\xd9":
        raise DoesNotFit("its codestream has no end")
