"""Blocks of a convolution: the same answers and first and second derivatives as torch's own layers one by one."""

from __future__ import annotations

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

from handful.encoders import make_encoder
from handful.encoders.convolve import Convolution, last
from handful.encoders.image import BatchNorm, ConvBlock, conv_block
from handful.encoders.normalise import Pool

POOLS = (Pool(ceil=False), Pool(ceil=True), None)


def one_by_one(block: ConvBlock, maps: Tensor, pool: Pool | None) -> Tensor:
    """What torch's layers make of it, in the order of the papers."""
    conv, norm, *film, relu = block
    maps = F.conv2d(maps, conv.weight, conv.bias, conv.stride, conv.padding)
    if isinstance(norm, nn.GroupNorm):
        maps = norm(maps)
    else:
        running = (None, None) if norm.of_batch else (norm.running_mean, norm.running_var)
        maps = F.batch_norm(maps, *running, norm.weight, norm.bias, training=norm.of_batch, eps=norm.eps)
    for modulation in film:
        maps = modulation(maps)
    maps = relu(maps)
    return F.max_pool2d(maps, 2, ceil_mode=pool.ceil) if pool else maps


def made(norm: str, stride: int, context: int, bands: int, seed: int = 0) -> ConvBlock:
    """A block whose scales are of either sign."""
    draw = torch.Generator().manual_seed(seed)
    block = conv_block(bands, 4, None if norm == "image" else BatchNorm(4, norm == "own"), stride, context).double()
    block.train(norm == "batch")
    with torch.no_grad():
        for w in block.parameters():
            w.add_(torch.randn(w.shape, generator=draw, dtype=torch.float64))
        if norm != "image":
            block[1].running_mean.normal_(generator=draw)
            block[1].running_var.uniform_(0.5, 2, generator=draw)
        if context:
            block[2].context.normal_(generator=draw)
    return block


def derivatives(block: ConvBlock, maps: Tensor, found: Tensor) -> list[Tensor]:
    """An answer, the slopes of a function of it, and those of a function of these."""
    draw = torch.Generator().manual_seed(1)
    wanted = [maps, *block.parameters()]
    loss = (found * torch.randn(found.shape, generator=draw)).sum() + found.square().sum()
    first = torch.autograd.grad(loss, wanted, create_graph=True)
    bent = sum((s * torch.randn(s.shape, generator=draw)).sum() + s.square().sum() / 100 for s in first)
    return [found, *first, *torch.autograd.grad(bent, wanted)]


@pytest.mark.parametrize("norm", ["image", "batch", "own", "fixed"])
@pytest.mark.parametrize("pool", POOLS, ids=["floor", "ceil", "none"])
def test_a_block_is_its_layers_one_by_one_and_so_are_its_derivatives(norm: str, pool: Pool | None) -> None:
    for stride, context, bands in product((1, 2), (0, 3), (1, 3)):
        block = made(norm, stride, context, bands)
        maps = torch.randn(3, bands, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        maps.requires_grad_()
        found, wanted = (derivatives(block, maps, of) for of in (block(maps, pool), one_by_one(block, maps, pool)))
        for ours, theirs in zip(found, wanted, strict=True):
            size = max(1.0, float(theirs.detach().abs().max()))
            torch.testing.assert_close(ours, theirs, atol=1e-8 * size, rtol=1e-7)


def test_of_pixels_that_are_alike_the_first_is_taken() -> None:
    block, maps = made("batch", 1, 0, 1), torch.zeros(2, 1, 8, 8, dtype=torch.float64)
    maps[:, :, 3:5, 3] = 1.0
    maps.requires_grad_()
    found, wanted = (of(maps, POOLS[0]) for of in (block, lambda *given: one_by_one(block, *given)))
    slopes = [torch.autograd.grad(of.square().sum(), maps)[0] for of in (found, wanted)]
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_has_the_derivatives_of_finite_differences(stride: int) -> None:
    draw = torch.Generator().manual_seed(0)
    given = [torch.randn(*shape, generator=draw, dtype=torch.float64) for shape in ((2, 2, 4, 5), (3, 2, 3, 3), (3,))]
    given = [of.requires_grad_() for of in given]

    def answer(*of: Tensor) -> Tensor:
        return Convolution.apply(*of, ([stride] * 2, [1, 1], [1, 1]))

    assert gradcheck(answer, given) and gradgradcheck(answer, given)


@pytest.mark.parametrize("norm", ["image", "batch", "fixed"])
def test_a_block_has_the_derivatives_of_finite_differences(norm: str) -> None:
    block = made(norm, 1, 0, 2, seed=3)
    maps = torch.randn(2, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4)).requires_grad_()
    given = maps, *(w.detach().clone().requires_grad_() for w in block.parameters())
    names = [name for name, _ in block.named_parameters()]

    def answer(maps: Tensor, *weights: Tensor) -> Tensor:
        return torch.func.functional_call(block, dict(zip(names, weights, strict=True)), (maps, POOLS[0]))

    assert gradcheck(answer, given, check_batched_grad=False) and gradgradcheck(answer, given)


def test_running_statistics_follow_as_torchs_do() -> None:
    block, theirs = made("batch", 1, 0, 3), nn.BatchNorm2d(4).double()
    theirs.load_state_dict({name: w.clone() for name, w in block[1].state_dict().items()})
    for seed in range(2):
        maps = torch.randn(3, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        block(maps)
        theirs(block[0](maps))
    for name, wanted in theirs.state_dict().items():
        torch.testing.assert_close(block[1].state_dict()[name], wanted)


def test_one_band_is_channels_last_outright() -> None:
    maps = last(torch.randn(2, 1, 4, 5))
    assert maps.stride() == (20, 1, 5, 1) and last(maps) is maps


@pytest.mark.parametrize("batch_norm", [False, True])
def test_shorter_numbers_have_slopes_like_those_of_whole_ones(
    batch_norm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handful.encoders.short.built_in", lambda kind: True)
    bands, slopes = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)), []
    torch.manual_seed(0)
    whole = make_encoder("conv4", {"bands": 3, "width": 8, "batch_norm": batch_norm}).train()
    short = make_encoder("conv4", {"bands": 3, "width": 8, "batch_norm": batch_norm, "bfloat16": True}).train()
    short.load_state_dict(whole.state_dict())
    for encoder in (whole, short):
        first = torch.autograd.grad(encoder(bands).square().sum(), list(encoder.parameters()), create_graph=True)
        second = torch.autograd.grad(sum(s.square().sum() for s in first), list(encoder.parameters()))
        slopes.append(torch.cat([s.flatten() for s in (*first, *second)]))
    assert float(torch.cosine_similarity(*slopes, dim=0).detach()) > 0.9
