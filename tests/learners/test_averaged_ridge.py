"""Rows left out in closed form are those of refits; one penalty is the ridge itself."""

from __future__ import annotations

import pytest
import torch

from handful.learners import make
from handful.problem import Classes
from handful.solvers import ridge
from handful.solvers.left_out import ridge_left_out
from handful.task import Examples


def table(rows: int, columns: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(rows)
    features = torch.randn(rows, columns, generator=draw, dtype=torch.float64)
    numbers = torch.randn(rows, 2, generator=draw, dtype=torch.float64)
    return features, numbers, torch.rand(rows, generator=draw, dtype=torch.float64) + 0.5


@pytest.mark.parametrize("rows", [2, 5, 6, 20])
def test_left_out_rows_are_those_of_refits(rows: int) -> None:
    features, numbers, weights = table(rows)
    found, left_out = ridge_left_out(features, numbers, 0.4, weights)
    assert torch.allclose(found, ridge(features, numbers, 0.4, weights), atol=1e-10)
    for row in range(rows):
        others = torch.arange(rows) != row
        refit = ridge(features[others], numbers[others], 0.4, weights[others])
        assert torch.allclose(left_out[row], features[row] @ refit, atol=1e-9)


def support(rows: int) -> Examples:
    features, *_ = table(rows)
    return Examples({"features": features}, torch.arange(rows) % 2, Classes(("a", "b")))


def test_one_penalty_is_the_ridge() -> None:
    plain, averaged = (
        make("ridge", encoder="plain", penalty=0.6),
        make("averaged_ridge", encoder="plain", penalty=0.6, factors=(1.0,)),
    )
    for learner in (plain, averaged):
        learner.net.double()
    answers = [learner.adapt(support(8)).outputs({"features": table(9)[0]}).mean for learner in (plain, averaged)]
    assert torch.allclose(*answers, atol=1e-10)


def test_no_evidence_from_left_out_rows_leaves_what_is_liked() -> None:
    """With sharpness 0 and one penalty liked above all, the answer is that penalty's."""
    averaged = make("averaged_ridge", encoder="plain", penalty=1.0, factors=(10.0, 0.1))
    averaged.net.double()
    averaged.net.head.log_sharpness.data.fill_(-100.0)
    averaged.net.head.liked.data = torch.tensor([0.0, 80.0], dtype=torch.float64)
    plain = make("ridge", encoder="plain", penalty=0.1)
    plain.net.double()
    answers = [learner.adapt(support(8)).outputs({"features": table(9)[0]}).mean for learner in (plain, averaged)]
    assert torch.allclose(*answers, atol=1e-6)


def test_noise_takes_the_large_penalty_and_signal_the_small_one() -> None:
    averaged = make("averaged_ridge", encoder="plain", penalty=1.0, factors=(1000.0, 0.01))
    averaged.net.head.liked.data.zero_()
    averaged.net.head.log_sharpness.data.fill_(5.0)
    features = table(40)[0].float()
    query = {"features": table(9)[0].float()}
    spread = []
    for targets in ((features[:, 0] > 0).long(), torch.randint(2, (40,), generator=torch.Generator().manual_seed(1))):
        examples = Examples({"features": features}, targets, Classes(("a", "b")))
        spread.append(float(averaged.adapt(examples).outputs(query).mean.std().detach()))
    assert spread[0] > 5 * spread[1]
