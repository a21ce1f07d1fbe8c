"""Files appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from handful.files import as_json, checksum, is_text, read_bounded, whole, write_bytes, write_json, write_text


def test_what_stood_there_stays_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(RuntimeError), whole(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_nothing_is_there_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "map.tif"
    with whole(path) as part:
        part.write_bytes(b"all")
        assert not path.exists() and part.suffix == ".tif" and part.parent == tmp_path
    assert path.read_bytes() == b"all" and list(tmp_path.iterdir()) == [path]


def test_an_unfinished_part_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / ".a.txt.part.txt").symlink_to(tmp_path / "mine")
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "mine").read_text() == "precious" and (tmp_path / "a.txt").read_text() == "new"


def test_json_that_another_reader_would_refuse_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"score": float("nan")})
    assert not list(tmp_path.iterdir())


def test_checksum(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"handful")
    assert checksum(tmp_path / "a") == "sha256:" + hashlib.sha256(b"handful").hexdigest()


def test_a_small_file_is_read_whole_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    os.mkfifo(tmp_path / "pipe")
    assert read_bounded(tmp_path / "a", 5) == b"12345"
    odd = (
        (tmp_path / "a", "more than 4"),
        (tmp_path, "folder"),
        (tmp_path / "pipe", "regular"),
        ("/dev/zero", "regular"),
    )
    for path, message in odd:
        with pytest.raises(ValueError, match=message):
            read_bounded(path, 4)


def test_a_name_that_is_not_text_is_kept_in_json() -> None:
    name = os.fsdecode(b"caf\xe9 \xf0\x9f\x8c\xb2")
    assert json.loads(as_json({"path": name})) == {"path": name}
    assert not is_text(name) and is_text("café")
