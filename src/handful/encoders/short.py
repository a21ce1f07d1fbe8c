"""Layers with 8 bits of mantissa instead of 24 where that is faster."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch

KNOWN = ("avx512_bf16", "amx_bf16", "bf16")  # as processors of either kind are said to have them


def shortened(kind: str, wanted: bool) -> torch.autocast:
    """Layers called within have the short numbers if they are wanted and a device of this kind has them built in.

    Elsewhere they would take ten times as long as the long ones. Products are short; sums, norms and weights are not.
    """
    return torch.autocast(kind, torch.bfloat16, enabled=wanted and built_in(kind))


@cache
def built_in(kind: str) -> bool:
    """Whether a device has bfloat16 arithmetic. Where torch is too old to tell, it counts as no."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    told: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)() if kind == "cpu" else {}
    return any(told.get(name) for name in KNOWN)
