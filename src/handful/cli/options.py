"""Options that several commands share, said once, and how a command speaks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

output = click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    type=click.Path(readable=False),  # what may not be read is said where it is, as a fault of the machine
    help="Folder to write to, made where missing. A run that was interrupted in it goes on.",
)
roots = click.option(
    "--root",
    "roots",
    required=True,
    multiple=True,
    metavar="[NAME=]DIR",
    help="Folder of the data set to be judged on; NAME=DIR that of another that is trained on. Repeatable.",
)
processes = click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes  [default: the cores]")
keep_going = click.option("--keep-going", is_flag=True, help="Leave out sites that cannot be read, and say so.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON on stdout.")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print nothing but the result and errors.")
overwrite = click.option("--overwrite", is_flag=True, help="Replace a finished run in the output folder.")
dry_run = click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, write nothing.")
seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    metavar="N",
    help="Of everything that is drawn. [default: 0]",
)
workers = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Blocks computed at once; never changes the result. [default: the cores]",
)
window = click.option(
    "--window",
    type=click.IntRange(1),
    metavar="PIXELS",
    help="A side of what a worker takes at a time; never changes the result. [default, and least: 512]",
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
            say(line)


def result(text: str, value: Any, as_json: bool = False) -> None:
    """What the command found, on stdout: `text`, or `value` as JSON."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    escaped = encoding.lower() not in ("utf-8", "utf8")
    shown = json.dumps(value, ensure_ascii=escaped, allow_nan=False) if as_json else text
    click.echo(shown.encode(encoding, "backslashreplace").decode(encoding))  # a name may hold what isn't text


def say(text: str) -> None:
    """A line on stderr, above a bar if there is one; nothing in it can steer the terminal."""
    try:
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()
    except OSError:  # closed: nobody listens
        pass


def printable(text: str) -> str:
    r"""The text with control characters, which the name of a file or a class may hold, made visible.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
