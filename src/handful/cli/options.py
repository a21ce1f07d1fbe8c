"""Options that several commands share, said once, and how a command speaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

output = click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False), help="Folder to write to; made where missing."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
quiet = click.option("--quiet", "-q", is_flag=True, help="Say nothing but the result and errors.")
overwrite = click.option("--overwrite", is_flag=True, help="Replace a finished run in the output folder.")
dry_run = click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, write nothing.")
seed = click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of all that is drawn.")
workers = click.option(
    "--workers", type=click.IntRange(1, 256), default=None, help="Blocks computed at once [default: the cores]."
)
window = click.option(
    "--window", type=click.IntRange(1), default=None, help="Pixels a side that are read at once; bounds the memory."
)


def options(*several: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, listed in the help in this order."""

    def decorate(function: F) -> F:
        for option in reversed(several):
            function = option(function)
        return function

    return decorate


def note(lines: str | Iterable[str], quiet: bool = False) -> None:
    """Sentences for the person, on stderr, one a line; nothing where `quiet`."""
    if not quiet:
        for line in [lines] if isinstance(lines, str) else lines:
            click.echo(line, err=True)


def result(text: str, value: Any, as_json: bool = False) -> None:
    """What the command found, on stdout: `text`, or `value` as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False) if as_json else text)
