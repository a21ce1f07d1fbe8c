"""Convex quadratic programmes by a primal-dual interior point, with the gradient of the solution."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

STEPS = 40  # of the interior point; most programmes take 10 to 15
CLOSE = 1e-14  # residuals and gap at which it stops, as a share of the programme's own numbers
SHORT = 0.99  # of the way to the boundary


class Programme(NamedTuple):
    """min 1/2 z'Qz + p'z with Gz <= h and Az = b; any dimensions in front are of a batch.

    Q (n, n) positive semidefinite, p (n,), G (m, n), h (m,), A (e, n) of full row rank, b (e,)
    """

    Q: Tensor
    p: Tensor
    G: Tensor
    h: Tensor
    A: Tensor
    b: Tensor


class Point(NamedTuple):
    """Solution z (n,), slack h - Gz (m,), multipliers of the inequalities (m,) and of the equalities (e,)."""

    z: Tensor
    slack: Tensor
    pressure: Tensor
    pull: Tensor


def solution(programme: Programme) -> Tensor:
    """z (n,), differentiable in all of the programme once, by implicit differentiation of the conditions for it.

    One Newton step from the solution moves it by nothing, but its residuals carry the gradient; their Jacobian is a
    constant (Amos & Kolter 2017, arXiv:1703.00443, eq. 6 to 8). Computed in double precision.
    """
    double = Programme(*(part.double() for part in programme))
    with torch.no_grad():
        found = interior_point(double)
        system = factored(double, found)
    constant = Programme(*(part.detach() for part in double))
    move = newton(constant, found, system, residuals(double, found)).z
    return (found.z + move - move.detach()).to(programme.Q.dtype)


def interior_point(programme: Programme) -> Point:
    """Predictor and corrector (Mehrotra 1992, doi:10.1137/0802028) until all residuals of the batch are small."""
    point = start(programme)
    size = 1 + max(float(part.abs().amax()) for part in programme[:4])
    for _ in range(STEPS):
        faults, gap = residuals(programme, point), mean_gap(point)
        if max(float(gap.amax()), *(float(fault.abs().amax()) for fault in faults[:3])) < CLOSE * size:
            break
        system = factored(programme, point)
        guess = newton(programme, point, system, faults)
        centre = (mean_gap(moved(point, guess, longest(point, guess))) / gap) ** 3
        product = faults[3] + guess.slack * guess.pressure - (centre * gap)[..., None]
        step = newton(programme, point, system, (*faults[:3], product))
        point = moved(point, step, SHORT * longest(point, step))
    return point


def residuals(programme: Programme, point: Point) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """How far the four conditions of Karush, Kuhn and Tucker are from holding."""
    z, slack, pressure, pull = point
    dual = times(programme.Q, z) + programme.p + times(programme.G.mT, pressure) + times(programme.A.mT, pull)
    primal, even = times(programme.G, z) + slack - programme.h, times(programme.A, z) - programme.b
    return dual, primal, even, slack * pressure


def factored(programme: Programme, point: Point) -> tuple[Tensor, Tensor]:
    """LU factors of the conditions' Jacobian, with slack and pressure eliminated: (n + e, n + e)."""
    inner = programme.Q + (programme.G.mT * (point.pressure / point.slack)[..., None, :]) @ programme.G
    A = programme.A
    corner = A.new_zeros(*A.shape[:-2], A.shape[-2], A.shape[-2])
    full = torch.cat([torch.cat([inner, A.mT], -1), torch.cat([A, corner], -1)], -2)
    return torch.linalg.lu_factor(full)


def newton(programme: Programme, point: Point, system: tuple[Tensor, Tensor], faults: tuple[Tensor, ...]) -> Point:
    """The step that removes the faults of the linearised conditions."""
    dual, primal, even, product = faults
    pushed = dual + times(programme.G.mT, (point.pressure * primal - product) / point.slack)
    right = -torch.cat([pushed, even], -1)[..., None]
    z, pull = torch.linalg.lu_solve(*system, right)[..., 0].split([dual.shape[-1], even.shape[-1]], -1)
    slack = -primal - times(programme.G, z)
    return Point(z, slack, -(product + point.pressure * slack) / point.slack, pull)


def start(programme: Programme) -> Point:
    """The least squares point, its slack and pressure made positive (Vandenberghe 2010, section 5.3)."""
    ones = torch.ones_like(programme.h)
    plain = Point(torch.zeros_like(programme.p), ones, ones, torch.zeros_like(programme.b))
    faults = (programme.p, -programme.h, -programme.b, torch.zeros_like(ones))
    found = newton(programme, plain, factored(programme, plain), faults)
    return found._replace(slack=positive(found.slack), pressure=positive(-found.slack))


def positive(numbers: Tensor) -> Tensor:
    least = numbers.amin(-1, keepdim=True)
    return torch.where(least > 0, numbers, numbers + 1 - least)


def mean_gap(point: Point) -> Tensor:
    return (point.slack * point.pressure).mean(-1)


def longest(point: Point, step: Point) -> Tensor:
    """The part of the step, at most all of it, that keeps slack and pressure from going below 0."""
    now = torch.cat([point.slack, point.pressure], -1)
    change = torch.cat([step.slack, step.pressure], -1)
    ways = torch.where(change < 0, -now / change, torch.ones_like(now))
    return ways.amin(-1).clamp(max=1.0)


def moved(point: Point, step: Point, part: Tensor) -> Point:
    return Point(*(at + part[..., None] * by for at, by in zip(point, step, strict=True)))


def times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector[..., None])[..., 0]
