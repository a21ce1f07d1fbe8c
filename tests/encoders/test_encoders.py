"""Encoders: windows against scipy, sets of bands in any order, and no influence from beyond the reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter

from handful.encoders import make_encoder
from handful.encoders.context import INDICES
from handful.encoders.resnet import resized
from handful.encoders.short import built_in
from handful.encoders.windows import means_and_deviations, pyramid
from handful.errors import SettingsError, TaskError

SMALL = {"width": 8, "blocks": 2, "windows": (3, 7)}
ENCODERS = {
    "context": {"windows": (3, 7)},
    "dense": {"bands": 6, **SMALL},
    "spectral": SMALL,
    "early": {"modalities": ("bands[4:]", "bands[:2]"), "encoder": "context windows=3,7"},
    "late": {"parts": ("bands[:4] spectral width=8 blocks=2 windows=3,7", "bands[4:] context windows=3")},
}
WAVES = (490.0, 665.0, 842.0, 1610.0, torch.nan, 2190.0)


def inputs(height: int = 30, width: int = 34, waves: tuple[float, ...] = WAVES) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return {
        "bands": torch.rand(1, len(waves), height, width, generator=draw),
        "wavelengths": torch.tensor([waves]),
        "dates": torch.zeros(1, len(waves), dtype=torch.long),
    }


@pytest.mark.parametrize("sizes", [(1,), (3,), (7, 3), (3, 9, 27), (5, 15, 7)])
def test_windows_are_scipys(sizes: tuple[int, ...]) -> None:
    maps = torch.rand(2, 3, 12, 15, dtype=torch.float64)
    found = list(means_and_deviations(maps, sizes))
    for size, mean, deviation in zip(sizes, found[::2], found[1::2], strict=True):
        wanted = uniform_filter(maps.numpy(), (1, 1, size, size), mode="nearest")
        np.testing.assert_allclose(mean.numpy(), wanted, atol=1e-12)
        squares = uniform_filter(maps.square().numpy(), (1, 1, size, size), mode="nearest")
        np.testing.assert_allclose(deviation.numpy(), np.sqrt(np.clip(squares - wanted**2, 1e-10, None)), atol=1e-9)
    assert pyramid(maps, (3, 7)).shape == (2, 15, 12, 15)


@pytest.mark.parametrize("name", list(ENCODERS))
def test_a_crop_with_margin_gives_what_the_whole_gives(name: str) -> None:
    encoder, whole = make_encoder(name, ENCODERS[name]), inputs(44, 50)
    reach = int(encoder.reach)
    cropped = whole | {"bands": whole["bands"][:, :, 5:40, 8:46]}
    with torch.no_grad():
        all_of_it, part = encoder(whole), encoder(cropped)
    inner = part[:, :, reach : 35 - reach, reach : 38 - reach]
    wanted = all_of_it[:, :, 5 + reach : 40 - reach, 8 + reach : 46 - reach]
    assert inner.numel() and torch.allclose(inner, wanted, atol=1e-5)


@pytest.mark.parametrize("name", list(ENCODERS))
def test_nothing_beyond_the_reach_matters(name: str) -> None:
    encoder, seen = make_encoder(name, ENCODERS[name]), inputs(41, 41)
    reach = int(encoder.reach)
    far = torch.ones(41, 41, dtype=torch.bool)
    far[20 - reach : 21 + reach, 20 - reach : 21 + reach] = False
    changed = seen | {"bands": torch.where(far, 0.5, seen["bands"])}
    with torch.no_grad():
        before, after = encoder(seen)[0, :, 20, 20], encoder(changed)[0, :, 20, 20]
    assert bool(far.any()) and torch.allclose(before, after, atol=1e-5)


def test_the_order_of_bands_doesnt_matter() -> None:
    encoder, seen = make_encoder("spectral", SMALL), inputs(waves=(490.0, 665.0, 842.0, 1610.0, 2190.0))
    order = torch.tensor([3, 0, 4, 2, 1])
    turned = seen | {"bands": seen["bands"][:, order], "wavelengths": seen["wavelengths"][:, order]}
    with torch.no_grad():
        torch.testing.assert_close(encoder(turned), encoder(seen), atol=1e-5, rtol=1e-5)


def test_bands_of_unknown_wavelength_stand_beside_the_learned_features() -> None:
    encoder, seen = make_encoder("spectral", SMALL), inputs()
    known = seen["wavelengths"][0].isfinite()
    alone = {name: t[:, known] for name, t in seen.items()}
    with torch.no_grad():
        both, learned = encoder(seen), encoder(alone)
    torch.testing.assert_close(both[:, : encoder.width], learned, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(both[:, encoder.width :], pyramid(seen["bands"][:, ~known], (3, 7)))


def test_without_a_spectrum_the_bands_and_their_windows_are_left() -> None:
    seen = inputs(waves=(torch.nan,) * 3)
    torch.testing.assert_close(make_encoder("spectral", SMALL)(seen), pyramid(seen["bands"], (3, 7)))


def test_two_dates_are_encoded_each_by_itself() -> None:
    encoder, seen = make_encoder("spectral", SMALL), inputs(waves=(490.0, 665.0, 842.0) * 2)
    seen["dates"] = torch.tensor([[0, 0, 0, 1, 1, 1]])
    with torch.no_grad():
        both = encoder(seen)
        parts = [encoder({name: t[:, part] for name, t in seen.items()}) for part in (slice(0, 3), slice(3, 6))]
    torch.testing.assert_close(both, torch.cat(parts, dim=1), atol=1e-6, rtol=1e-6)


def test_indices_are_normalised_differences() -> None:
    seen = inputs(waves=(560.0, 665.0, 842.0))
    found = make_encoder("context", {"windows": ()})(seen)
    green, red, infrared = seen["bands"][0]
    assert list(INDICES)[:2] == ["vegetation", "water"] and found.shape[1] == 5
    torch.testing.assert_close(found[0, 3], (infrared - red) / (infrared + red))
    torch.testing.assert_close(found[0, 4], (green - infrared) / (green + infrared))


def test_indices_are_bounded_where_bands_are_near_0() -> None:
    seen = inputs(waves=(560.0, 665.0, 842.0))
    seen["bands"] = (seen["bands"] - 0.5) * 1e-3
    found = make_encoder("context", {"windows": ()})(seen)
    assert bool(found.isfinite().all()) and float(found[:, 3:].abs().max()) <= 1.5


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 13), (1, 1), (33, 5)])
def test_images_of_any_size(height: int, width: int) -> None:
    bands = torch.rand(2, 3, height, width)
    assert make_encoder("unet", {"bands": 3, "width": 4})(bands).shape == (2, 4, height, width)
    assert make_encoder("conv4", {"bands": 3, "width": 4})(bands).shape == (2, 4)
    assert make_encoder("resnet12", {"bands": 3, "width": 4})(bands).shape == (2, 32)


def test_an_image_doesnt_depend_on_its_batch() -> None:
    bands = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for name in ("unet", "conv4", "resnet12"):
        encoder = make_encoder(name, {"bands": 3, "width": 4})
        torch.testing.assert_close(encoder(bands)[1:2], encoder(bands[1:2]), atol=1e-5, rtol=1e-4)


def test_settings_are_checked() -> None:
    with pytest.raises(SettingsError, match="Did you mean spectral"):
        make_encoder("spectrall", {})
    with pytest.raises(SettingsError, match="no setting 'widht'.*width"):
        make_encoder("spectral", {"widht": 3})
    with pytest.raises(SettingsError, match="needs the setting bands"):
        make_encoder("dense", {})


@pytest.mark.parametrize(("settings", "width"), [({}, 64), ({"strided": True}, 256)])
def test_conv4_flattens_images_of_its_side_as_the_papers_do(settings: dict[str, bool], width: int) -> None:
    encoder = make_encoder("conv4", {"bands": 1, "side": 28, **settings})
    assert encoder.width == width
    assert encoder(torch.rand(2, 1, 28, 28)).shape == (2, width)
    with pytest.raises(TaskError, match="side = 28"):
        encoder(torch.rand(2, 1, 32, 28))
    with pytest.raises(SettingsError, match="16 or more"):
        make_encoder("conv4", {"bands": 1, "side": 8})


def test_statistics_of_its_own_need_batch_norm() -> None:
    with pytest.raises(SettingsError, match="batch_norm = true"):
        make_encoder("conv4", {"bands": 1, "own_statistics": True})


def test_batch_norm_answers_an_image_alone_as_among_others() -> None:
    """Once trained; while training it takes its statistics from the batch."""
    encoder, images = make_encoder("conv4", {"bands": 1, "width": 4, "batch_norm": True}), torch.rand(6, 1, 16, 16)
    encoder.train()
    assert not torch.allclose(encoder(images)[:1], encoder(images[:2])[:1])
    encoder.eval()
    assert torch.allclose(encoder(images)[:1], encoder(images[:1]), atol=1e-6)


@pytest.mark.parametrize("name", ["resnet12", "conv4", "cell"])
def test_shorter_numbers_change_features_little(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bands = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    whole, short = (make_encoder(name, {"bands": 3, "width": 16, "bfloat16": half}) for half in (False, True))
    short.load_state_dict(whole.state_dict())
    monkeypatch.setattr("handful.encoders.short.built_in", lambda kind: False)
    assert torch.equal(short(bands), whole(bands))  # not where that would be slow
    monkeypatch.setattr("handful.encoders.short.built_in", lambda kind: True)
    assert short(bands).dtype == torch.float32 and not torch.equal(short(bands), whole(bands))
    torch.testing.assert_close(short(bands), whole(bands), atol=0.05, rtol=0.1)


@pytest.mark.parametrize(("told", "expected"), [({"avx512_bf16": True}, True), ({"avx2": True, "bf16": False}, False)])
def test_short_numbers_are_for_processors_that_have_them(
    told: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told)
    assert built_in.__wrapped__("cpu") == expected and not built_in.__wrapped__("mps")


def test_resnet12_sees_images_of_any_size_at_its_side() -> None:
    encoder, small = make_encoder("resnet12", {"bands": 3, "width": 4, "side": 16}), torch.rand(1, 3, 16, 16)
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert encoder(large).shape == (1, 32)
    torch.testing.assert_close(resized(torch.full((1, 3, 40, 30), 0.5), 16), torch.full((1, 3, 16, 16), 0.5))
    assert torch.equal(resized(small, 16), small)


@pytest.mark.parametrize(("halvings", "side"), [(0, 28), (2, 7), (3, 3)])
def test_fewer_halvings_leave_larger_maps_whose_shape_is_told(halvings: int, side: int) -> None:
    encoder = make_encoder("conv4", {"bands": 1, "width": 2, "side": 28, "halvings": halvings})
    assert encoder.maps == (2, side, side) and encoder(torch.rand(1, 1, 28, 28)).shape == (1, 2 * side**2)
    assert make_encoder("conv4", {"bands": 1}).maps is None
