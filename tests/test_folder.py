"""Output folders: continued, refused or replaced, and never anybody else's files."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from handful.errors import OutputError
from handful.files import write_json
from handful.folder import LOCK, check, claim, spare

OURS = {"map.tif", "report.html", "model/model.json", ".parts/*", "run.json"}


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def finish(folder):
    write_json(folder / "run.json", {"handful": "0.1.0"})


def test_a_new_folder_is_made_and_left_without_a_lock(tmp_path):
    with claim(tmp_path / "a" / "out", OURS) as folder:
        assert (folder / LOCK).exists()
        fill(folder, "map.tif")
    assert names(tmp_path / "a" / "out") == ["map.tif"]


def test_a_refused_command_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError), claim(tmp_path / "a" / "out", OURS):
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_that_was_there_stays(tmp_path):
    with pytest.raises(ValueError), claim(tmp_path, OURS):
        raise ValueError
    assert tmp_path.is_dir()


def test_a_broken_run_is_continued(tmp_path):
    fill(tmp_path, "map.tif", ".parts/0-0.npz", ".parts/.0-256.npz.part.npz", ".report.html.part.html", LOCK)
    with claim(tmp_path, OURS):
        assert (tmp_path / ".parts/0-0.npz").exists()


def test_a_finished_run_needs_overwrite(tmp_path):
    fill(tmp_path, "map.tif")
    finish(tmp_path)
    with pytest.raises(OutputError, match="finished run: add --overwrite"), claim(tmp_path, OURS):
        pass
    assert names(tmp_path) == ["map.tif", "run.json"]


def test_overwrite_removes_only_our_own(tmp_path):
    fill(tmp_path, "map.tif", "model/model.json", ".parts/1-1.npz", "notes.txt", "model/mine.txt", "old/map.tif")
    finish(tmp_path)
    with claim(tmp_path, OURS, overwrite=True):
        assert names(tmp_path) == [LOCK, "model/mine.txt", "notes.txt", "old/map.tif"]
    assert not (tmp_path / ".parts").exists()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("stranger", ["notes.txt", "old/map.tif", "model/thesis.docx"])
def test_a_folder_with_other_things_is_refused(tmp_path, stranger, overwrite):
    fill(tmp_path, "map.tif", stranger)
    with pytest.raises(OutputError, match=f"holds other things .*{stranger}"):
        check(tmp_path, OURS, overwrite=overwrite)
    assert names(tmp_path) == sorted(["map.tif", stranger])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"author": "somebody else"}'])
def test_a_run_json_of_others_is_never_removed(tmp_path, content):
    fill(tmp_path, "map.tif")
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(OutputError, match=r"holds other things \(run.json\)"):
        check(tmp_path, OURS, overwrite=True)


def test_a_linked_folder_is_not_ours(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    fill(tmp_path / "elsewhere", "1-1.npz")
    out = tmp_path / "out"
    out.mkdir()
    (out / ".parts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="other things"):
        check(out, OURS)


def test_what_a_desktop_strews_is_no_stranger(tmp_path):
    fill(tmp_path, ".DS_Store", "Thumbs.db")
    check(tmp_path, OURS)


def test_a_file_in_place_of_a_folder(tmp_path):
    fill(tmp_path, "out")
    with pytest.raises(OutputError, match="is a file"), claim(tmp_path / "out", OURS):
        pass


def test_another_final_name(tmp_path):
    (tmp_path / "log.json").write_text(json.dumps({"handful": "0.1.0"}))
    with pytest.raises(OutputError, match="finished"):
        check(tmp_path, {"weights"}, final="log.json")


HOLDER = """
import sys, time
from handful.folder import claim
with claim(sys.argv[1], []):
    print(1, flush=True)
    time.sleep(60)
"""


def test_two_runs_do_not_share_a_folder_and_a_killed_one_lets_go(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        with pytest.raises(OutputError, match="another run"), claim(tmp_path, OURS):
            pass
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    start = time.monotonic()
    with claim(tmp_path, OURS):
        assert time.monotonic() - start < 1
    assert not (tmp_path / LOCK).exists()


def test_a_name_that_is_not_text_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(OutputError, match="UTF-8"), claim(tmp_path / os.fsdecode(b"caf\xe9"), OURS):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.write_text("[" * 100_000)])
def test_a_record_that_is_none_is_somebody_elses(tmp_path, make):
    make(tmp_path / "run.json")
    with pytest.raises(OutputError, match="holds other things .run.json"), claim(tmp_path, OURS, overwrite=True):
        pass


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to(path.parent.parent / "mine")])
def test_a_lock_that_is_no_plain_file_is_never_opened(tmp_path, make):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "out").mkdir()
    make(tmp_path / "out" / LOCK)
    with pytest.raises(OutputError, match="no plain file"), claim(tmp_path / "out", OURS):
        pass
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("name", ["map.tif", "model/model.json"])
def test_a_folder_where_a_file_goes_is_found_before_any_work(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(OutputError, match="is a folder, where a file goes"):
        check(tmp_path, OURS)


def test_a_folder_that_cannot_be_made_leaves_no_parents(tmp_path, monkeypatch):
    def full(path, *_, **__):
        os.mkdir(path.parent)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.mkdir", full)
    with pytest.raises(OSError, match="No space"), claim(tmp_path / "a" / "out", OURS):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", ["map.tif", "model", "model/model.json", ".", "link.tif"])
def test_an_input_that_a_run_would_write_over_is_refused(tmp_path, given):
    fill(tmp_path, "map.tif", "model/model.json")
    (tmp_path / "link.tif").symlink_to("map.tif")
    with pytest.raises(OutputError, match="choose another output folder"):
        spare(tmp_path, OURS, [None, tmp_path / given])
    spare(tmp_path, OURS, [tmp_path / "mine.tif", tmp_path.parent / "map.tif", tmp_path.parent])
