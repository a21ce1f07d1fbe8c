"""The boundary of the command line: whatever goes wrong inside becomes one message and an exit status."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence

import click

from ..errors import HandfulError
from . import cli
from .faults import BUG, INTERRUPTED, PIPE_CLOSED, USAGE, explain
from .interrupt import interruptible
from .options import say


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit status.

    Interrupted, it leaves at once: Python would wait for its threads, and take large libraries down piece by piece.
    """
    status = run(arguments)
    if status == INTERRUPTED:
        os._exit(status)
    sys.exit(status)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status, after one message on stderr where something went wrong."""
    debug = bool(os.environ.get("HANDFUL_DEBUG"))
    if not debug:
        hush()
    with interruptible() as told:
        try:
            status = invoke(arguments)
            if sys.stdout is not None:  # it is None where the caller closed it
                sys.stdout.flush()
            return status
        except (KeyboardInterrupt, click.Abort):
            told.message()
            return INTERRUPTED
        except BrokenPipeError:
            silence_stdout()
            return PIPE_CLOSED
        except Exception as error:
            return tell(error, debug)


def invoke(arguments: Sequence[str] | None) -> int:
    """Parse and run, and let every exception out: click's own `main` would turn some into exits of its own."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "_HANDFUL_COMPLETE" in os.environ:
        cli.main(given, prog_name="handful")  # answers the shell and exits
    try:
        with cli.make_context("handful", given) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as stop:  # --help, --version
        return stop.exit_code
    return 0


def tell(error: Exception, debug: bool) -> int:
    """Print what went wrong in one message; the exit status."""
    if isinstance(error, click.ClickException):
        say(usage(error))
        return USAGE
    if isinstance(error, HandfulError):
        text, status = str(error), error.exit_code
    else:
        text, status = explain(error)
    if debug:
        import traceback

        traceback.print_exception(error)
    say(f"handful: {text}" if status != BUG or debug else f"handful: {text} HANDFUL_DEBUG=1 shows where.")
    return status


def usage(error: click.ClickException) -> str:
    """A misuse of the command line in one message; bare `handful` gets its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return error.format_message()
    ctx = getattr(error, "ctx", None)
    more = f" See '{ctx.command_path} --help'." if ctx else ""
    return f"handful: {error.format_message()}{more}"


def hush() -> None:
    """Keep other packages' warnings and logs off the terminal; what a person must know, handful says itself."""
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())


def silence_stdout() -> None:
    """Let Python's last flush go nowhere, so that a closed pipe stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
