"""The command line: one file a command, imported when it is called, so that `handful --help` answers at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from .. import __version__
from ..errors import did_you_mean

# What the list of commands says; the file of that name in this folder holds the rest, as `command`.
COMMANDS = {
    "map": "Map a scene from a few labels.",
    "find": "Find all things in a scene that are like a few examples.",
    "apply": "Map another scene with the model of a finished map, without labels.",
    "train": "Meta-train a learner over regions, as a recipe says.",
    "pretrain": "Learn an encoder from your own scenes, without labels.",
    "bench": "Compare learners under one protocol: tables, intervals and a report.",
    "search": "Find a net for a meta-learner: cells grown, trained a little, and scored.",
    "evaluate": "Score a checkpoint or a learner on a folder of labelled sites.",
    "demo": "Run the main job on simulated regions: a map, a table and a report.",
}

EPILOG = """
Shell completion: put  eval "$(_HANDFUL_COMPLETE=bash_source handful)"  into ~/.bashrc; for zsh zsh_source and
~/.zshrc; for fish  _HANDFUL_COMPLETE=fish_source handful | source.

The result goes to stdout, all else to stderr. Exit status: 0 done, 2 something to mend in what was given, 5 disk,
permission or memory, 130 interrupted, 1 a bug of ours.
"""


class Commands(click.Group):
    """A group whose commands are imported when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return import_module(f"{__name__}.{name}").command if name in COMMANDS else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.UsageError(f"no command is called '{args[0]}'. {did_you_mean(args[0], list(COMMANDS))}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="handful")
def cli() -> None:
    """From a handful of labels to a map."""
