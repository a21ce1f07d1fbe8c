"""Files appear whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from handful.files import checksum, whole, write_bytes, write_json, write_text


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


def test_json_that_another_reader_would_refuse_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"score": float("nan")})
    assert not list(tmp_path.iterdir())


def test_checksum(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"handful")
    assert checksum(tmp_path / "a") == "sha256:" + hashlib.sha256(b"handful").hexdigest()
