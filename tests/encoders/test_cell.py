"""Encoders of cells: one convolution a cell is conv4, words there and back, gradients, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import avg_pool2d, max_pool2d

from handful.checkpoint import load, save
from handful.encoders import make_encoder
from handful.encoders.blocks import OPERATIONS, loose_ends, parsed, told, written
from handful.encoders.cell import MAKERS
from handful.errors import SettingsError, TaskError
from handful.learners import make

WORDS = ("conv3 0 + identity 0", "separable5 1", "max3 0 + average3 1", "dilated3 2 + conv5 3")


@pytest.mark.parametrize("settings", [{}, {"side": 28}, {"batch_norm": True}, {"side": 28, "batch_norm": True}])
def test_one_convolution_a_cell_is_conv4(settings: dict) -> None:
    cells = make_encoder("cell", {"bands": 1, "cell": ["conv3 0"], "width": 6, **settings})
    conv4 = make_encoder("conv4", {"bands": 1, "width": 6, **settings})
    parts = {name: name.split(".", 2)[1:] for name in conv4.state_dict()}
    cells.load_state_dict({f"cells.{i}.steps.0.0.{rest}": conv4.state_dict()[n] for n, (i, rest) in parts.items()})
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(cells(images), conv4(images), atol=1e-4, rtol=1e-4)  # pooled before ReLU, or after
    assert (cells.width, cells.maps) == (conv4.width, conv4.maps)


def test_words_there_and_back() -> None:
    assert written(parsed(WORDS)) == WORDS
    assert written(parsed([" conv3  0+identity 0 "])) == ("conv3 0 + identity 0",)
    assert loose_ends(parsed(WORDS)) == [4] and loose_ends(parsed(["conv3 0", "max3 0"])) == [1, 2]
    assert "block 3 is the maximum of 3 x 3 of the input + the mean of 3 x 3 of block 1;" in told(WORDS)


def test_every_operation_is_told_and_made() -> None:
    assert list(MAKERS) == list(OPERATIONS)


def test_what_a_cell_gives_is_the_sum_of_its_loose_ends() -> None:
    encoder = make_encoder("cell", {"bands": 2, "cell": ["max3 0 + identity 0", "average3 0"], "width": 2, "cells": 1})
    maps = torch.rand(1, 2, 6, 6)
    pooled = max_pool2d(maps, 3, 1, padding=1) + maps + avg_pool2d(maps, 3, 1, padding=1, count_include_pad=False)
    torch.testing.assert_close(encoder(maps), max_pool2d(pooled, 2).mean((2, 3)))
    assert not list(encoder.parameters())


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (16, 16)])
def test_every_weight_learns_whatever_the_size(size: tuple[int, int]) -> None:
    encoder = make_encoder("cell", {"bands": 3, "cell": list(WORDS), "width": 4, "cells": 2})
    found = encoder(torch.rand(5, 3, *size))
    assert found.shape == (5, 4)
    found.square().sum().backward()
    assert all(weight.grad is not None for weight in encoder.parameters())


def test_an_image_doesnt_depend_on_its_batch_but_by_statistics_of_its_own() -> None:
    images = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    settings = {"bands": 3, "cell": list(WORDS), "width": 4}
    for more in ({}, {"batch_norm": True}):
        encoder = make_encoder("cell", {**settings, **more}).eval()
        torch.testing.assert_close(encoder(images)[1:2], encoder(images[1:2]), atol=1e-5, rtol=1e-4)
    own = make_encoder("cell", {**settings, "batch_norm": True, "own_statistics": True}).eval()
    assert not torch.allclose(own(images)[1:2], own(images[1:2]), atol=1e-3)


def test_a_learner_on_a_cell_survives_its_checkpoint(tmp_path: Path) -> None:
    learner = make("first_order_maml", encoder="cell", encoder_settings={"bands": 3, "cell": list(WORDS), "width": 4})
    assert learner.encoder_settings["cell"] == WORDS
    save(learner, "first_order_maml", tmp_path)
    again, _ = load(tmp_path)
    assert again.settings() == learner.settings()
    assert all(torch.equal(w, again.net.state_dict()[name]) for name, w in learner.net.state_dict().items())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"cell": ["conv4 0"]},
            "block 1 of a cell, 'conv4 0', has no known operation 'conv4'. Did you mean conv5 or conv3",
        ),
        ({"cell": ["conv3 1"]}, "what 'conv3' works on is 1: write 0 for the cell's input, such as"),
        ({"cell": ["conv3 0", "max3 2"]}, "block 2 of a cell, 'max3 2': .*an earlier block, up to 1"),
        ({"cell": ["conv3"]}, "is missing: write 0"),
        ({"cell": ["conv3 0 + max3 0 + identity 0"]}, "adds 3 operations: give one or two"),
        ({"cell": [""]}, "no known operation ''"),
        ({"cell": ["conv3 0"] * 9}, "a cell has 9 blocks: give 1 to 8"),
        ({"cell": []}, "a cell has 0 blocks"),
        ({"cell": "conv3 0"}, "setting 'cell' of encoder 'cell' is 'conv3 0': give a list of words"),
        ({"cells": 9}, "from 1 to 8"),
        ({"side": 8}, "4 halvings leave nothing, give 16 or more"),
        ({"own_statistics": True}, "batch_norm = true"),
    ],
)
def test_a_bad_description_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make_encoder("cell", {"bands": 3, **settings})


def test_images_of_another_side_are_refused() -> None:
    with pytest.raises(TaskError, match="side = 28"):
        make_encoder("cell", {"bands": 1, "side": 28})(torch.rand(2, 1, 32, 28))
