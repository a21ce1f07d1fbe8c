"""Arrays to images inside a page: data addresses, small, the same bytes each time."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..maps.colour import rgb

MOST = 900  # pixels a side in the page
LEVELS = 64  # shades of a ramp: more than the eye tells apart, few enough to compress
HEAVY = 900_000  # bytes of a PNG beyond which a photograph's encoding serves better
BLANK = "#f4f3ef"  # no data


def photo(picture: NDArray[np.uint8]) -> str:
    """A picture (height, width, 3) as a JPEG's data address."""
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, np.ascontiguousarray(picture), format="jpeg", pil_kwargs={"quality": 86, "optimize": True})
    return _address("image/jpeg", file.getvalue())


def drawing(values: NDArray[np.integer], colours: Sequence[str]) -> str:
    """A drawing (height, width) whose value i has the colour `colours[i]`, as a data address."""
    table = np.array([rgb(colour) for colour in colours], np.uint8)
    content = _png(values, table) if len(colours) <= 256 else b""
    if not content or len(content) > HEAVY:
        return photo(table[values])
    return _address("image/png", content)


def shaded(values: NDArray[np.floating], low: float, high: float, ramp: Sequence[str]) -> str:
    """Values (height, width) in even shades of a ramp from `low` to `high`, blank where NaN."""
    seen = np.isfinite(values)
    share = np.clip((np.where(seen, values, low) - low) / max(high - low, 1e-12), 0, 1)
    steps = np.where(seen, 1 + np.round(share * (LEVELS - 1)), 0).astype(np.uint8)
    return drawing(steps, [BLANK, *mixed(ramp, LEVELS)])


def mixed(ramp: Sequence[str], count: int) -> list[str]:
    """`count` colours evenly along a ramp."""
    stops = np.array([rgb(colour) for colour in ramp], float)
    places = np.linspace(0, len(ramp) - 1, count)
    channels = [np.interp(places, range(len(ramp)), stops[:, channel]) for channel in range(3)]
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in np.round(np.stack(channels, 1)).astype(int)]


def _png(values: NDArray[np.integer], table: NDArray[np.uint8]) -> bytes:
    """A palette PNG (8 bits, rows unfiltered), without any of the chunks that tell when or by what it was made."""
    height, width = values.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), values.astype(np.uint8)], 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [
        (b"IHDR", header),
        (b"PLTE", table.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
