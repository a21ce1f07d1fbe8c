"""Weights from outside: the answers of the nets that they are of, other bands by wavelength, and clear refusals."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import outside_nets as outside
import pytest
import torch
from safetensors.torch import save_file

from handful.checkpoint import load, save
from handful.encoders.outside import RGB, refitted
from handful.errors import CheckpointError, SettingsError
from handful.learner import Learner
from handful.learners import make
from handful.transfer import begun_at, places

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def write(path: Path, weights: outside.Weights) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    return path


def begun(path: Path, encoder: str, **settings: Any) -> Learner:
    return begun_at(path, make("ridge", encoder=encoder, encoder_settings={"bands": 3, **settings}))


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
@torch.no_grad()
def test_a_resnet_answers_as_the_one_outside(name: str, tmp_path: Path) -> None:
    weights = outside.resnet(name)
    learner = begun(write(tmp_path / "net.safetensors", weights), name)
    found, wanted = learner.net.encode(IMAGES), outside.resnet_answers(weights, IMAGES)
    assert found.shape == (2, learner.net.encoder.width) and torch.allclose(found, wanted, rtol=1e-4, atol=1e-5)
    learner.net.train()  # batch norm stays with its running statistics
    assert torch.equal(learner.net.encode(IMAGES), found)


@torch.no_grad()
def test_a_transformer_answers_as_the_one_outside_under_either_name(tmp_path: Path) -> None:
    weights = outside.vit(grid=4)
    wanted = outside.vit_answers(weights, IMAGES, heads=3)
    for number, told in enumerate((weights, outside.as_torchvision(weights))):
        learner = begun(write(tmp_path / f"{number}.safetensors", told), "vit_tiny", side=64)
        assert torch.allclose(learner.net.encode(IMAGES), wanted, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_names_behind_a_prefix_and_half_precision_are_read(tmp_path: Path) -> None:
    weights = outside.resnet("resnet18")
    wrapped = {f"module.backbone.{name}": t.half() if t.is_floating_point() else t for name, t in weights.items()}
    found = begun(write(tmp_path / "net.safetensors", wrapped), "resnet18").net.encode(IMAGES)
    assert torch.allclose(found, outside.resnet_answers(weights, IMAGES), rtol=2e-2, atol=2e-2)
    two = {f"{net}.{name}": t.clone() for net in ("encoder_q", "encoder_k") for name, t in weights.items()}
    with pytest.raises(CheckpointError, match="several nets, encoder_k., encoder_q."):
        begun(write(tmp_path / "two.safetensors", two), "resnet18")


def test_the_first_layer_is_fitted_by_wavelength() -> None:
    weight = torch.randn(4, 3, 7, 7)
    assert torch.equal(refitted(weight, RGB, RGB), weight)
    swapped = refitted(weight, RGB, RGB[::-1])
    assert torch.allclose(swapped, weight.flip(1))
    four = refitted(weight, RGB, (490, 525, 665, 2190))
    wanted = torch.stack([weight[:, 2], (weight[:, 2] + weight[:, 1]) / 2, weight[:, 0], weight[:, 0]], 1) * 3 / 4
    assert torch.allclose(four, wanted)
    assert torch.allclose(refitted(torch.ones(1, 3, 1, 1), RGB, (490, 842, 1610, 2190)).sum(), torch.tensor(3.0))


@torch.no_grad()
def test_other_bands_take_their_wavelengths(tmp_path: Path) -> None:
    path = write(tmp_path / "net.safetensors", outside.resnet("resnet18"))
    with pytest.raises(SettingsError, match="reads 3 bands, and the encoder 4: give the wavelengths"):
        begun(path, "resnet18", bands=4)
    with pytest.raises(SettingsError, match="4 bands but 3 waves"):
        begun(path, "resnet18", bands=4, waves=(490, 560, 665))
    learner = begun(path, "resnet18", bands=4, waves=(490, 560, 665, 842))
    assert learner.net.encode(torch.rand(1, 4, 32, 32)).shape == (1, 512)


def test_embeddings_of_places_are_stretched(tmp_path: Path) -> None:
    flat = torch.cat([torch.zeros(1, 1, 5), torch.ones(1, 196, 5)], 1)
    found = places(flat, 2)
    assert found.shape == (1, 5, 5) and torch.allclose(found[:, 1:], torch.ones(1, 4, 5)) and not found[:, 0].any()
    assert torch.equal(places(flat, 14), flat)
    rising = torch.arange(16.0).view(1, 16, 1)
    maps = places(torch.cat([torch.zeros(1, 1, 1), rising], 1), 8)[0, 1:, 0].view(8, 8)
    assert bool((maps.diff(dim=1) > -1e-4).all()) and bool((maps.diff(dim=0) > 0).all())
    path = write(tmp_path / "vit.safetensors", outside.vit(grid=14))
    assert begun(path, "vit_tiny", side=32).net.encode(IMAGES).shape == (2, 192)


def test_another_architecture_is_named(tmp_path: Path) -> None:
    small = write(tmp_path / "small.safetensors", outside.resnet("resnet18"))
    with pytest.raises(CheckpointError, match="looks like resnet18, but the encoder is 'resnet50': set encoder ="):
        begun(small, "resnet50")
    deep = write(tmp_path / "deep.safetensors", outside.resnet("resnet101"))
    with pytest.raises(CheckpointError, match="ResNet of 3, 4, 23, 3 bottlenecks, which no encoder is: give one of"):
        begun(deep, "resnet50")
    odd = write(tmp_path / "odd.safetensors", outside.vit(depth=4, patch=8))
    with pytest.raises(CheckpointError, match="transformer of 4 layers, 192 features and patches of 8"):
        begun(odd, "vit_tiny", side=32)
    neither = write(tmp_path / "neither.safetensors", {"a.weight": torch.ones(2)})
    with pytest.raises(CheckpointError, match="neither a ResNet nor a vision transformer"):
        begun(neither, "resnet18")
    less = outside.resnet("resnet18")
    del less["layer2.0.bn1.weight"]
    with pytest.raises(CheckpointError, match="layer2.0.bn1.weight is missing"):
        begun(write(tmp_path / "less.safetensors", less), "resnet18")


def test_pickles_are_refused_with_the_way_to_convert_them(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02.")
    with pytest.raises(CheckpointError, match=r"pickle.*\n(.*\n)*.*weights_only=True"):
        begun(path, "resnet18")
    path.rename(tmp_path / "net.safetensors")  # what it is called doesn't matter
    with pytest.raises(CheckpointError):
        begun(tmp_path / "net.safetensors", "resnet18")
    with pytest.raises(CheckpointError, match="doesn't exist"):
        begun(tmp_path / "none.safetensors", "resnet18")


def test_what_began_outside_is_kept_as_any_checkpoint(tmp_path: Path) -> None:
    learner = begun(write(tmp_path / "net.safetensors", outside.resnet("resnet18")), "resnet18", imagenet=True)
    save(learner, "ridge", tmp_path / "kept")
    again = begun_at(tmp_path / "kept", make("protonet", encoder="conv4", encoder_settings={"bands": 3}))
    assert again.encoder == "resnet18" and torch.equal(again.net.encode(IMAGES), learner.net.encode(IMAGES))
    assert torch.equal(load(tmp_path / "kept")[0].net.encode(IMAGES), learner.net.encode(IMAGES))
