"""RoI Align: exact on planes, the mean over a cell, gradients equal to finite differences."""

from __future__ import annotations

import torch

from handful.solvers.roi_align import roi_align


def plane(height: int, width: int, stride: float) -> torch.Tensor:
    """Maps (2, height, width) whose values are the x and the y of the image's point that a pixel stands for."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([x, y]).double() * stride


def test_it_is_exact_on_a_plane():
    maps, boxes = plane(20, 24, 4.0), torch.tensor([[10.0, 8, 42, 56], [30.5, 20.25, 33.5, 24.25]]).double()
    found = roi_align(maps, boxes, 4, 4.0)
    for box, cells in zip(boxes, found, strict=True):
        steps = (torch.arange(4).double() + 0.5) / 4
        assert torch.allclose(cells[0], (box[0] + (box[2] - box[0]) * steps).expand(4, 4))
        assert torch.allclose(cells[1], (box[1] + (box[3] - box[1]) * steps)[:, None].expand(4, 4))


def test_cells_that_are_the_maps_pixels_are_their_values():
    maps = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(0))
    box = torch.tensor([[4.0, 8.0, 16.0, 20.0]])  # columns 1 to 3 and rows 2 to 4 at a stride of 4
    assert torch.allclose(roi_align(maps, box, 3, 4.0, samples=1)[0], maps[:, 2:5, 1:4])


def test_beyond_the_map_there_is_nothing():
    maps = torch.ones(1, 4, 4)
    assert roi_align(maps, torch.tensor([[100.0, 100, 140, 140]]), 2, 4.0).abs().max() == 0
    assert roi_align(maps, torch.tensor([[0.0, 0, 16, 16]]), 2, 4.0).min() == 1


def test_gradients_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(1)
    maps = torch.rand(2, 5, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[2.3, 3.1, 13.7, 15.2], [5.2, 1.3, 9.1, 12.7]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m, b: roi_align(m, b, 3, 4.0), (maps, boxes))
