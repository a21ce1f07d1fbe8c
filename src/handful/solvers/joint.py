"""Rows that are answered together: what transductive learners share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..problem import Prediction
from .rows import few

Transduce = Callable[[Tensor, Tensor, Tensor], Tensor]


def jointly(transduce: Transduce, features: Tensor, labels: Tensor, outputs: int) -> Callable[[Tensor], Prediction]:
    """A function of rows (N, D) that answers them together, from labelled rows (M, D) and their labels (M,).

    transduce  features, labels, rows -> scores (N, classes); it is told of classes that have a label alone, as one
               without would get its share of the rows
    """
    seen, places = labels.unique(return_inverse=True)

    def decide(rows: Tensor) -> Prediction:
        scores = transduce(features.detach(), places, rows.detach())
        every = scores.new_zeros(len(rows), outputs)
        return Prediction(every.index_copy(1, seen, scores))

    return decide


def drawn_places(rows: Tensor, most: int, seed: int) -> Tensor:
    """Indices of at most so many of the rows, drawn with the seed; of all, in order, where there are no more."""
    return few(torch.zeros(len(rows), dtype=torch.int64, device=rows.device), most, seed)


def drawn_rows(rows: Tensor, most: int, seed: int) -> Tensor:
    return rows[drawn_places(rows, most, seed)]
