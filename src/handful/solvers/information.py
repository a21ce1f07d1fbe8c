"""Transductive information maximisation: class vectors that make answers sure, each class used, and labels kept.

M labelled rows z (M, D) with one-hot labels (M, K), N rows to be answered (N, D), class vectors (K, D).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .linear import squared_distances

TINY = 1e-12


@dataclass(frozen=True)
class Information:
    """The loss of Boudiaf et al. 2020 (arXiv:2008.11297) on one task.

    sharpness  tau: probabilities are the softmax of -tau / 2 times the squared distance
    of_labels  lambda, the weight of the labels' cross-entropy
    of_doubt   alpha, the weight of the entropy of the answers
    """

    support: Tensor
    labels: Tensor
    rows: Tensor
    sharpness: float
    of_labels: float
    of_doubt: float

    def scores(self, rows: Tensor, vectors: Tensor) -> Tensor:
        """Log-probabilities (rows, K), up to a constant a row."""
        return -self.sharpness / 2 * squared_distances(rows, vectors)

    def start(self) -> Tensor:
        """The means of the labelled rows of each class."""
        return self.labels.T @ self.support / self.labels.sum(0)[:, None]

    def loss(self, vectors: Tensor) -> Tensor:
        known = (self.labels * self.scores(self.support, vectors).log_softmax(1)).sum(1).mean()
        answers = self.scores(self.rows, vectors).softmax(1)
        return -self.of_labels * known - (entropy(answers.mean(0)) - self.of_doubt * entropy(answers).mean())

    def information(self, vectors: Tensor) -> Tensor:
        """The mutual information of rows and answers."""
        answers = self.scores(self.rows, vectors).softmax(1)
        return entropy(answers.mean(0)) - entropy(answers).mean()

    def descend(self, steps: int, step_size: float) -> Iterator[Tensor]:
        """TIM-GD: the class vectors before the first step of Adam and after each."""
        vectors = self.start().detach().requires_grad_()
        adam = torch.optim.Adam([vectors], lr=step_size)
        yield vectors.detach().clone()
        for _ in range(steps):
            with torch.enable_grad():
                adam.zero_grad()
                self.loss(vectors).backward()
            adam.step()
            yield vectors.detach().clone()

    def alternate(self, steps: int) -> Iterator[Tensor]:
        """TIM-ADM: the class vectors before the first step and after each, in closed form given soft labels q."""
        vectors = self.start()
        yield vectors
        for _ in range(steps):
            sharp = self.scores(self.rows, vectors).softmax(1) ** (1 + self.of_doubt)
            soft = sharp / sharp.sum(0).clamp(min=TINY).sqrt()
            vectors = self.given(soft / soft.sum(1, keepdim=True), vectors)
            yield vectors

    def given(self, soft: Tensor, vectors: Tensor) -> Tensor:
        """The class vectors of a step, from soft labels (N, K) and the vectors before it."""
        share = len(self.support) / len(self.rows)
        parts = [(self.of_labels / (1 + self.of_doubt), self.support, self.labels), (share, self.rows, soft)]
        total, weight = torch.zeros_like(vectors), vectors.new_zeros(len(vectors))
        for factor, rows, wanted in parts:
            answers = self.scores(rows, vectors).softmax(1)
            total = total + factor * ((wanted - answers).T @ rows + answers.sum(0)[:, None] * vectors)
            weight = weight + factor * wanted.sum(0)
        return total / weight.clamp(min=TINY)[:, None]


def entropy(probabilities: Tensor) -> Tensor:
    """Along the last dimension, in nats."""
    return -(probabilities * probabilities.clamp(min=TINY).log()).sum(-1)
