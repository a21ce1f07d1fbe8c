"""An encoder that leaves out the edges says the same of all other pixels."""

from __future__ import annotations

import pytest
import torch

from handful.encoders import make_encoder
from handful.encoders.windows import cut
from handful.maps.members import strips

SETTINGS = {
    "context": {"windows": (3, 7)},
    "dense": {"bands": 5, "width": 8, "blocks": 2, "windows": (3, 7)},
    "spectral": {"width": 8, "blocks": 2, "windows": (3, 7)},
    "early": {"modalities": ("bands[:3]", "bands[3:]"), "encoder": "context windows=3,7"},
    "late": {"parts": ("bands[:3] spectral width=8 blocks=2 windows=3,7", "bands[3:] context windows=3")},
}


@pytest.mark.parametrize("name", list(SETTINGS))
@pytest.mark.parametrize("spare", [0, 3])
def test_the_same_inside(name: str, spare: int) -> None:
    encoder = make_encoder(name, SETTINGS[name]).eval()
    inputs = {
        "bands": torch.rand(2, 5, 40, 33, generator=torch.Generator().manual_seed(0)),
        "wavelengths": torch.tensor([490.0, 665.0, 842.0, 1610.0, torch.nan]).expand(2, -1),
        "dates": torch.zeros(2, 5, dtype=torch.long),
    }
    margin = int(encoder.reach) + spare
    with torch.no_grad():
        found, whole = torch.cat(list(strips(encoder, inputs, margin)), dim=2), encoder(inputs)
    torch.testing.assert_close(found, cut(whole, margin), rtol=1e-5, atol=1e-5)


def test_parts_change_nothing() -> None:
    encoder = make_encoder("spectral", SETTINGS["spectral"])
    inputs = {
        "bands": torch.rand(1, 3, 60, 50, generator=torch.Generator().manual_seed(0)),
        "wavelengths": torch.tensor([[490.0, 665.0, 842.0]]),
        "dates": torch.zeros(1, 3, dtype=torch.long),
    }
    together = encoder(inputs).detach()  # with gradients, all pixels are taken at once
    with torch.no_grad():
        torch.testing.assert_close(encoder(inputs), together, rtol=1e-5, atol=1e-5)
