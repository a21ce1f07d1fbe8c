"""Keeps rasterio's own traceback off the terminal: it prints one where GDAL repeats a damaged file's odd bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any


def hush() -> None:
    """Leave out what rasterio prints when it fails to decode a message of GDAL's; everything else is as before."""
    if not getattr(sys.excepthook, "hushes", False):
        sys.excepthook = _excepthook(sys.excepthook)
    if not getattr(sys.unraisablehook, "hushes", False):
        sys.unraisablehook = _unraisablehook(sys.unraisablehook)


def _excepthook(before: Callable[..., Any]) -> Callable[..., Any]:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not (issubclass(kind, UnicodeDecodeError) and _ends_in_rasterio(trace)):
            before(kind, error, trace)

    hook.hushes = True  # type: ignore[attr-defined]
    return hook


def _unraisablehook(before: Callable[..., Any]) -> Callable[..., Any]:
    def hook(told: Any) -> None:
        if not (issubclass(told.exc_type, UnicodeDecodeError) and "rasterio" in str(told.object)):
            before(told)

    hook.hushes = True  # type: ignore[attr-defined]
    return hook


def _ends_in_rasterio(trace: TracebackType | None) -> bool:
    """Whether the innermost Python frame of a traceback is rasterio's, or there is none (a callback of GDAL's)."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is None or "rasterio" in trace.tb_frame.f_code.co_filename
