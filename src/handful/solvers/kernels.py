"""Kernels, and exact Gaussian processes on them. N rows, M other rows, D features, K answers."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

JITTER = 1e-4  # of the kernel's mean diagonal: the least noise, which keeps single precision positive definite


def linear(a: Tensor, b: Tensor) -> Tensor:
    """(..., N, D), (..., M, D) -> (..., N, M)"""
    return a @ b.mT


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """(..., N, D), (..., M, D) -> (..., N, M)"""
    return linear(F.normalize(a, dim=-1), F.normalize(b, dim=-1))


def radial(a: Tensor, b: Tensor) -> Tensor:
    """(..., N, D), (..., M, D) -> (..., N, M): exp(-|a - b|^2 / 2)"""
    squares = a.square().sum(-1)[..., :, None] + b.square().sum(-1)[..., None, :] - 2 * linear(a, b)
    return torch.exp(-0.5 * squares.clamp(min=0))


KERNELS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"linear": linear, "cosine": cosine, "radial": radial}


def noisy_root(gram: Tensor, noise: Tensor) -> Tensor:
    """The Cholesky factor (N, N) of the kernel of the rows with themselves, plus the variance of the noise."""
    eye = torch.eye(len(gram)).to(gram)
    return torch.linalg.cholesky(gram + (noise + JITTER * gram.diagonal().mean().detach()) * eye)


def log_marginal(root: Tensor, numbers: Tensor) -> Tensor:
    """The log likelihood of numbers (N, K) of mean 0, each answer a process of its own: their sum.

    Rasmussen & Williams 2006, eq. 2.30.
    """
    white = torch.linalg.solve_triangular(root, numbers, upper=False)
    n, k = numbers.shape
    return -0.5 * white.square().sum() - k * root.diagonal().log().sum() - 0.5 * n * k * math.log(2 * math.pi)


def posterior(root: Tensor, numbers: Tensor, cross: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (M, K) and variance (M, 1) of the process, without noise, at other rows. Eq. 2.25 and 2.26, same book.

    cross  (N, M) kernel of the rows with the others
    own    (M,) kernel of each other row with itself
    """
    white = torch.linalg.solve_triangular(root, numbers, upper=False)
    reach = torch.linalg.solve_triangular(root, cross, upper=False)
    return reach.T @ white, (own - reach.square().sum(0)).clamp(min=0)[:, None]
