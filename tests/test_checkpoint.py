"""Checkpoints: what was saved comes back, and nothing dishonest is read."""

from __future__ import annotations

import builtins
import json
import os
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from handful.checkpoint import RECORD, WEIGHTS, load, read_tensors, write_tensors
from handful.checkpoint import save as save_checkpoint
from handful.errors import CheckpointError
from handful.learners import make


def learner(**settings: object) -> object:
    sizes = {"bands": 4, "width": 8, "blocks": 1, "windows": (3,)}
    return make("ridge", encoder="dense", encoder_settings=sizes, prior_mean=True, **settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(learner(seed=3), "ridge", tmp_path / "saved", trained=["a", "b"])
    return tmp_path / "saved"


def change(folder: Path, **changes: object) -> None:
    """Write the record again, the weights' checksum gone."""
    record = json.loads((folder / RECORD).read_text())
    record.pop("weights")
    (folder / RECORD).write_text(json.dumps(record | changes))


def test_round_trip(folder: Path) -> None:
    found, record = load(folder)
    wanted = learner(seed=3)
    assert repr(found) == repr(wanted) and record["trained"] == ["a", "b"]
    for name, weight in wanted.net.state_dict().items():
        assert torch.equal(found.net.state_dict()[name], weight)


def test_saved_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    save_checkpoint(learner(seed=3), "ridge", tmp_path / "again", trained=["a", "b"])
    for name in (WEIGHTS, RECORD):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_learner_without_weights(tmp_path: Path) -> None:
    save_checkpoint(make("random_forest", trees=7), "random_forest", tmp_path / "forest")
    assert load(tmp_path / "forest")[0].trees == 7


def test_a_record_that_cannot_be_written_leaves_no_checkpoint(folder: Path) -> None:
    with pytest.raises(ValueError):
        save_checkpoint(learner(), "ridge", folder, score=float("nan"))
    with pytest.raises(CheckpointError, match="holds no model.json"):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, RECORD])
def test_missing_files(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match="handful train"):
        load(folder)


def test_a_folder_that_is_none(folder: Path) -> None:
    for path in (folder / "absent", folder / RECORD):
        with pytest.raises(CheckpointError, match="holds no model.json"):
            load(path)


HEADERS = {
    "empty": b"",
    "short": b"\x01\x02",
    "monstrous": struct.pack("<Q", 2**63) + b"{}",
    "longer than the file": struct.pack("<Q", 100) + b"{}",
    "not JSON": struct.pack("<Q", 8) + b"12345678",
    "beyond the end": struct.pack("<Q", 60) + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'.ljust(60),
    "shape overflows": struct.pack("<Q", 90)
    + b'{"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,0]}}'.ljust(90),
}


@pytest.mark.parametrize("header", HEADERS)
def test_dishonest_headers(folder: Path, header: str) -> None:
    (folder / WEIGHTS).write_bytes(HEADERS[header])
    with pytest.raises(CheckpointError, match=WEIGHTS):
        load(folder)


def test_a_large_header_is_not_parsed(folder: Path) -> None:
    with open(folder / WEIGHTS, "wb") as file:
        file.write(struct.pack("<Q", 20 << 20))
        file.truncate(21 << 20)
    with pytest.raises(CheckpointError, match="header of 20,971,520 bytes"):
        load(folder)


def replaced(folder: Path, **tensors: torch.Tensor | None) -> None:
    """The weights with some replaced, or left out where None."""
    found = read_tensors(folder / WEIGHTS) | {name.replace("__", "."): t for name, t in tensors.items()}
    (folder / WEIGHTS).write_bytes(save({name: t for name, t in found.items() if t is not None}))
    change(folder)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"head__log_scale": None}, "head.log_scale is missing"),
        ({"extra": torch.zeros(1)}, "extra is unknown"),
        ({"head__log_scale": torch.zeros(2)}, "another architecture"),
        ({"head__log_scale": torch.zeros((), dtype=torch.float64)}, "another architecture"),
        ({"head__log_scale": torch.tensor(float("inf"))}, "not finite"),
    ],
)
def test_weights_that_dont_fit(folder: Path, tensors: dict[str, torch.Tensor | None], message: str) -> None:
    replaced(folder, **tensors)
    with pytest.raises(CheckpointError, match=message):
        load(folder)


def test_weights_of_another_checkpoint(folder: Path, tmp_path: Path) -> None:
    save_checkpoint(learner(seed=4), "ridge", tmp_path / "other")
    (folder / WEIGHTS).write_bytes((tmp_path / "other" / WEIGHTS).read_bytes())
    with pytest.raises(CheckpointError, match="is not the one"):
        load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"learner": "transformer"},
        {"learner": ["ridge"]},
        {"settings": None},
        {"settings": {"penalty": "much"}},
        {"settings": {"unknown": 1}},
        {"settings": {"encoder": "dense", "encoder_settings": {"bands": 10**9, "width": 10**9}}},
        {"settings": {"encoder": "dense", "encoder_settings": {"bands": 4000, "width": 4000}}},
        {"settings": {"encoder": "dense", "encoder_settings": {"bands": 4, "windows": "x"}}},
        {"settings": {"encoder": "dense", "encoder_settings": {"bands": 4, "width": 0}}},
        {"settings": {"outputs": 10**12}},
        {"format": 99},
    ],
)
def test_records_that_describe_no_learner(folder: Path, changes: dict[str, object]) -> None:
    change(folder, **changes)
    with pytest.raises(CheckpointError):
        load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "[" * 100_000, "\udcff"])
def test_records_that_are_no_record(folder: Path, text: str) -> None:
    (folder / RECORD).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CheckpointError, match=RECORD):
        load(folder)


def test_metadata_is_kept_and_tensors_that_share_memory_too(tmp_path: Path) -> None:
    shared = torch.arange(6.0)
    write_tensors(tmp_path / "t.safetensors", {"a": shared[:3], "b": shared[:3], "c": shared.view(2, 3).T}, {"k": "v"})
    found = read_tensors(tmp_path / "t.safetensors")
    assert torch.equal(found["b"], shared[:3]) and torch.equal(found["c"], shared.view(2, 3).T)


@pytest.mark.parametrize("name", [WEIGHTS, RECORD])
def test_a_pipe_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(CheckpointError, match=f"{name} cannot be read.*regular"):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, RECORD])
def test_no_permission_is_not_taken_for_damage(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.open

    def denied(path: object, *more: object, **settings: object) -> object:
        if str(path) == str(folder / name):
            raise PermissionError(13, "Permission denied")
        return real(path, *more, **settings)

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(PermissionError):
        load(folder)
