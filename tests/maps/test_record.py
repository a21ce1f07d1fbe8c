"""What is recorded: every option by its name, every input file with its checksum, and what blocks depend on."""

from __future__ import annotations

from pathlib import Path

from handful.files import checksum
from handful.maps.fit import Choices
from handful.maps.job import Clock, LabelChoice, Painting, SceneChoice
from handful.maps.record import inputs, key_of, parameters


def test_parameters_are_called_as_on_the_command_line() -> None:
    found = parameters(SceneChoice(["a.tif"]), LabelChoice("l.gpkg"), Choices(weights=Path("w")), Painting())
    assert found["scenes"] == ["a.tif"] and found["labels"] == "l.gpkg" and found["weights"] == "w"
    assert {"bands", "class_column", "seed", "prior", "window", "workers", "palette"} <= set(found)
    assert not {"path", "paths"} & set(found)


def test_every_file_that_was_read_is_an_input(tmp_path: Path) -> None:
    names = ("a.tif", "b.tif", "l.gpkg", "t.gpkg", "m.tif", "area.gpkg", "p.json", "model.safetensors", "model.json")
    for name in names:
        (tmp_path / name).write_text(name)
    files = [str(tmp_path / name) for name in names]
    given = dict(zip(("labels", "test_labels", "mask", "area", "palette"), files[2:7], strict=True))
    found = inputs({"scenes": files[:2], "weights": str(tmp_path), **given, "bands": None})
    assert [one["path"] for one in found] == files
    assert all(one["checksum"] == checksum(one["path"]) for one in found)


def test_blocks_depend_on_what_can_change_them(tmp_path: Path) -> None:
    """Not on colours, windows or a test; on a model whose settings changed though its weights didn't."""
    base = {"scenes": [], "seed": 0}
    key = key_of({"parameters": base})
    dressed = base | {"window": 64, "workers": 2, "palette": "p.json", "test_labels": "t.gpkg"}
    assert key_of({"parameters": dressed}) == key
    assert key_of({"parameters": base | {"seed": 1}}) != key
    (tmp_path / "model.json").write_text("one")
    before = key_of({"parameters": base | {"model": str(tmp_path)}})
    (tmp_path / "model.json").write_text("two")
    assert key_of({"parameters": base | {"model": str(tmp_path)}}) != before


def test_the_total_comes_last() -> None:
    clock = Clock()
    for stage in ("reading", "mapping", "reading"):
        clock.stage(stage)
    assert list(clock.seconds) == ["reading", "mapping", "total"]
