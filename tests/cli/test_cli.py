"""The boundary of the command line: one message, the right exit status, at once."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import click
import numpy as np
import pytest

from handful import cli as cli_module
from handful.cli import COMMANDS, cli
from handful.cli.faults import explain
from handful.cli.options import note, options, quiet, result, seed
from handful.cli.progress import Progress, Stages
from handful.cli.run import run
from handful.errors import EnvironmentFault, SceneError

HANDFUL = [sys.executable, "-m", "handful"]
WRITTEN = [name for name in COMMANDS if find_spec(f"handful.cli.{name}")]


def call(*arguments, **more):
    return subprocess.run([*HANDFUL, *arguments], capture_output=True, text=True, check=False, **more)


@pytest.fixture
def raises(monkeypatch):
    """Run a command that raises; its exit status."""

    def with_error(error):
        @click.command("map")
        def command():
            raise error

        monkeypatch.setattr(cli_module.Commands, "get_command", lambda self, ctx, name: command)
        return run(["map"])

    return with_error


def quickest(*arguments):
    def once():
        start = time.monotonic()
        assert call(*arguments).returncode == 0
        return time.monotonic() - start

    return min(once() for _ in range(3))


def test_help_answers_at_once():
    assert quickest("--help") < 0.5


@pytest.mark.parametrize("name", WRITTEN)
def test_help_of_a_command(name):
    assert quickest(name, "--help") < 2


def test_help_lists_every_command_without_importing_it():
    code = "import sys\nfrom handful.cli import cli\ncli.main(['--help'], standalone_mode=False)\n"
    code += "assert not [m for m in sys.modules if m.startswith('handful.cli.')], sys.modules\n"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in said for name in COMMANDS)


def test_an_unknown_command_gets_its_neighbour(capsys):
    assert run(["mpa"]) == 2
    assert "no command is called 'mpa'. Did you mean map?" in capsys.readouterr().err


def test_an_unknown_option_gets_its_neighbour(capsys):
    assert run(["map", "--class-colum", "x"]) == 2
    said = capsys.readouterr().err
    assert "--class-column" in said and "See 'handful map --help'" in said and said.count("\n") == 1


def test_no_command_shows_the_help(capsys):
    assert run([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_completion_of_commands():
    done = call(env=os.environ | {"_HANDFUL_COMPLETE": "bash_complete", "COMP_WORDS": "handful ma", "COMP_CWORD": "1"})
    assert done.stdout == "plain,map\n"


@pytest.mark.parametrize("words", ["map sc", "map scene.tif la", "map scene.tif --mask m", "apply out/model sc"])
def test_completion_of_files(words):
    told = {
        "_HANDFUL_COMPLETE": "bash_complete",
        "COMP_WORDS": f"handful {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    assert call(env=os.environ | told).stdout == f"file,{words.split()[-1]}\n"


def test_completion_of_options():
    words = {"_HANDFUL_COMPLETE": "bash_complete", "COMP_WORDS": "handful map --class", "COMP_CWORD": "2"}
    assert call(env=os.environ | words).stdout == "plain,--class-column\n"


def disk_full():
    return OSError(errno.ENOSPC, "No space left on device", "/data/map.tif")


def from_cause(error, cause):
    error.__cause__ = cause
    return error


def torch_allocation():
    return RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")


def numpy_allocation():
    try:
        np.empty((1 << 45, 64))
    except MemoryError as error:
        return error
    return None


FAULTS = {
    "ours": (SceneError("scene.tif is empty."), 2, "handful: scene.tif is empty."),
    "ours, of the machine": (EnvironmentFault("no room."), 5, "no room."),
    "disk": (disk_full(), 5, "/data/map.tif: the disk is full"),
    "disk, from below": (from_cause(ValueError("x"), disk_full()), 5, "the disk is full"),
    "disk, in GDAL's words": (OSError("map.tif: TIFFAppendToStrip:Write error at scanline 3"), 5, "the disk is full"),
    "permission": (PermissionError(errno.EACCES, "Permission denied", "/x"), 5, "/x: permission denied"),
    "read-only": (OSError(errno.EROFS, "", "/x"), 5, "read-only"),
    "quota": (OSError(errno.EDQUOT, "", "/x"), 5, "quota"),
    "memory": (MemoryError(), 5, "out of memory"),
    "memory, numpy": (numpy_allocation(), 5, "out of memory"),
    "memory, torch": (torch_allocation(), 5, "out of memory"),
    "no file": (FileNotFoundError(errno.ENOENT, "", "/x.tif"), 2, "/x.tif: no such file"),
    "a folder": (IsADirectoryError(errno.EISDIR, "", "/x"), 2, "/x: a folder"),
    "misuse": (click.BadParameter("too small", param_hint="--seed"), 2, "Invalid value for --seed: too small"),
    "any click": (click.ClickException("no"), 2, "handful: no"),
    "a bug": (KeyError("forest"), 1, "this is a bug of ours: KeyError: 'forest'"),
    "interrupt": (KeyboardInterrupt(), 130, "interrupted; run the same command again to go on"),
    "abort": (click.Abort(), 130, "interrupted"),
    "closed pipe": (BrokenPipeError(errno.EPIPE, ""), 141, ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_message_and_its_status(name, raises, capfd, monkeypatch):
    monkeypatch.delenv("HANDFUL_DEBUG", raising=False)
    monkeypatch.setattr("handful.cli.run.silence_stdout", lambda: None)
    error, status, message = FAULTS[name]
    assert raises(error) == status
    out, said = capfd.readouterr()
    assert message in said and "Traceback" not in said and out == ""
    assert len(said.strip().splitlines()) == (1 if message else 0)


def test_a_bug_shows_its_traceback_on_request(raises, capsys, monkeypatch):
    monkeypatch.setenv("HANDFUL_DEBUG", "1")
    assert raises(KeyError("forest")) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_names_its_place():
    from handful.errors import did_you_mean

    try:
        did_you_mean(None, ["a"])
    except AttributeError as error:
        text, status = explain(error)
    assert "(errors.py, line " in text and status == 1


def test_a_message_cannot_steer_the_terminal(raises, capsys):
    raises(SceneError("evil\x1b[2J.tif is empty."))
    assert "evil\\x1b[2J.tif" in capsys.readouterr().err


def test_a_closed_pipe_is_quiet():
    pipe = subprocess.Popen([*HANDFUL, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pipe.stdout.close()
    assert pipe.wait() in (0, 141) and pipe.stderr.read() == b""
    pipe.stderr.close()


def test_closed_stdout_is_no_bug():
    done = subprocess.run(f"{sys.executable} -m handful --help >&-", shell=True, capture_output=True, check=False)  # noqa: S602
    assert done.returncode in (0, 141) and done.stderr == b""


# A command that sleeps in Python, and one in a compiled call that hears no signal.
SLEEPS = {"python": "time.sleep(30)", "compiled": "ctypes.CDLL(None).usleep(30_000_000)"}
SLEEPER = """
import ctypes, sys, time
import click
from handful import cli
from handful.cli.run import main

@click.command("map")
def command():
    sys.stderr.write("ready\\n")
    sys.stderr.flush()
    while True:
        {sleep}

cli.Commands.get_command = lambda self, ctx, name: command
main(["map"])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("sleep", SLEEPS)
def test_interrupted_within_two_seconds(sleep, number):
    code = SLEEPER.format(sleep=SLEEPS[sleep])
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline() == "ready\n"
    time.sleep(0.1)
    start = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130 and time.monotonic() - start < 2
    assert said.strip() == "handful: interrupted; run the same command again to go on."


def test_progress_is_silent_where_nobody_watches(capfd):
    with Progress("x", 3) as progress, Stages() as stages:
        progress.advance(2)
        stages("fitting", 1, 2)
    assert progress.done == 2 and capfd.readouterr() == ("", "")


def test_progress_shows_the_time_left_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Stages() as stages:
        stages("mapping", 1, 4)
        stages("mapping", 4, 4)
    said = capsys.readouterr().err
    assert "mapping" in said and "100%" in said


def test_the_result_goes_to_stdout_and_notes_to_stderr(capsys):
    note(["one", "two"])
    note("three", quiet=True)
    result("text", {"a": "é"}, as_json=True)
    result("text", {"a": 1})
    assert capsys.readouterr() == ('{"a": "é"}\ntext\n', "one\ntwo\n")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_result_can_be_written_in_any_encoding(monkeypatch, encoding):
    value = {"path": os.fsdecode(b"caf\xe9"), "class": "🌲"}
    for as_json in (False, True):
        written = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding))
        result(value["path"] + value["class"], value, as_json=as_json)
        sys.stdout.flush()
        assert not as_json or json.loads(written.getvalue().decode(encoding)) == value


def test_shared_options_keep_their_order():
    @click.command()
    @options(quiet, seed)
    def command(**given):
        return given

    assert [p.name for p in command.params] == ["quiet", "seed"]
    assert command.main(["--seed", "3"], standalone_mode=False) == {"quiet": False, "seed": 3}


def test_every_command_has_a_help():
    ctx = click.Context(cli)
    for name in WRITTEN:
        command = cli.get_command(ctx, name)
        assert command.name == name and command.help
