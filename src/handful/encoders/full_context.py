"""Full-context embeddings of Matching Networks: every example is seen in the light of the whole support set."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FullContext(nn.Module):
    """Vinyals et al. 2016 (arXiv:1606.04080), appendix A.1 and A.2: rows keep their width.

    reads  K, how often a row reads the support set by attention
    The support is read as a sequence, by a bidirectional LSTM, so the order of its rows matters, as in the paper.
    """

    def __init__(self, width: int, reads: int):
        super().__init__()
        self.reads = reads
        self.along = nn.LSTM(width, width, bidirectional=True)
        self.read = nn.LSTMCell(2 * width, width)  # of [row, what was read], which is the paper's state [h, r]

    def of_support(self, rows: Tensor) -> Tensor:
        """(M, width) -> g(x_i, S): the states of both directions and the row itself."""
        states, _ = self.along(rows)
        forth, back = states.chunk(2, dim=1)
        return forth + back + rows

    def of_query(self, rows: Tensor, support: Tensor) -> Tensor:
        """(N, width) and g (M, width) -> f(x, S): eq. 3 to 6 of the paper, from a state of zeros."""
        state, cell = torch.zeros_like(rows), torch.zeros_like(rows)
        for _ in range(self.reads):
            attention = (state @ support.T).softmax(1)  # eq. 6
            found = attention @ support  # eq. 5
            state, cell = self.read(torch.cat([rows, found], 1), (state, cell))  # eq. 3
            state = state + rows  # eq. 4
        return state
