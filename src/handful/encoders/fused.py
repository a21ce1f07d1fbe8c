"""Encoders that are said in one text within the settings of another: "dense bands=2 width=16"."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from torch import nn

from ..errors import SettingsError
from .modality import check_modality

EXAMPLE = "dense bands=2 width=16 windows=3,7"


def part_of(owner: str, text: str) -> tuple[str, str]:
    """The modality, and the text of its encoder. Raises SettingsError where a part isn't both."""
    name, _, rest = text.strip().partition(" ")
    if not rest.strip():
        raise SettingsError(f"encoder '{owner}': '{text}' is no part: write modality and encoder, as radar {EXAMPLE}.")
    check_modality(name)
    return name, " ".join(rest.split())


def part_encoder(owner: str, text: str) -> nn.Module:
    """The encoder of a text. Raises SettingsError where it, or a setting of it, is unknown."""
    from . import ENCODERS, make_encoder  # the catalogue holds the owner as well

    name, *pairs = text.split() or [""]
    if name in ("early", "late"):
        raise SettingsError(f"encoder '{owner}' can't have '{name}' as a part: stack some bands, or name them apart.")
    known = inspect.signature(ENCODERS[name]).parameters if name in ENCODERS else {}
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"encoder '{owner}': '{pair}' of '{text}' is no setting: write {EXAMPLE}.")
        settings[key] = value_of(value, known[key].default if key in known else 0)
    return make_encoder(name, settings)


def width_of(encoder: nn.Module) -> int | None:
    """The width of an encoder's features; None where it follows from what comes."""
    try:
        return int(encoder.width)  # type: ignore[arg-type]
    except (AttributeError, SettingsError):
        return None


def no_width(owner: str, texts: Sequence[str]) -> SettingsError:
    """Of a head that must know a width which follows from what comes."""
    return SettingsError(
        f"encoder '{owner}' has no width before it sees inputs ({', '.join(texts)}): "
        "for what is learned on it give each part an encoder of a fixed width, such as dense or table."
    )


def value_of(text: str, default: Any) -> Any:
    """A setting of a text as its default's kind; as it is where it can't be, which is refused with the setting."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(default, tuple):
        return tuple(number(one) for one in text.split(",") if one)
    return number(text)


def number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def said(name: str, settings: dict[str, Any]) -> str:
    """An encoder and its settings as one text, which `part_encoder` reads.

    >>> said("context", {"windows": (3, 7)})
    'context windows=3,7'
    """

    def word(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

    return " ".join([name, *(f"{key}={word(value)}" for key, value in settings.items())])
