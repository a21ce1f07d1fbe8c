"""Dual-SimCLR: what two sensors, or two dates, show of one place should have features alike."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from ..encoders.projection import Projections, pooled
from ..errors import TaskError
from ..learner import settings
from ..solvers.contrast import nt_xent
from ..solvers.views import means
from ..task import Inputs, values, with_values
from .self_supervised import SelfSupervised


@settings
class DualSimCLR(SelfSupervised):
    """Scheibenreif, Mommert & Borth 2022, ISPRS Annals V-3-2022, p. 705 (doi:10.5194/isprs-annals-V-3-2022-705-2022).

    No augmentation: the two views are two sensors' patches of one place, and each has an encoder and a projection of
    its own, as the encoder `pair` gives them. The loss is SimCLR's (arXiv:2002.05709, eq. 1).

    temperature  of the loss
    outputs_of   columns of what is contrasted, behind the projection heads
    first        bands of the first view, where the encoder isn't a pair; 0 for half of them

    Differs: another encoder than `pair` is one for both views: it sees one view's bands, and the mean of the others.
    """

    temperature: float = Field(default=0.2, gt=0)
    outputs_of: int = Field(default=64, ge=1)
    first: int = Field(default=0, ge=0)

    def head(self, encoder: nn.Module) -> nn.Module:
        widths = encoder.widths if hasattr(encoder, "views") else (int(encoder.width),) * 2  # type: ignore[arg-type]
        return Projections(widths, self.outputs_of)  # type: ignore[arg-type]

    def loss(self, images: Inputs) -> Tensor:
        head: Projections = self.net.head  # type: ignore[assignment]
        one, other = getattr(self.net.encoder, "views", self.of_bands)(images)
        return nt_xent(head.one(pooled(one)), head.other(pooled(other)), self.temperature)

    def of_bands(self, images: Inputs) -> list[Tensor]:
        """Features of what each view shows, by one encoder. Raises TaskError where there is one band alone."""
        bands = values(images)
        first = self.first or bands.shape[1] // 2
        if not 0 < first < bands.shape[1]:
            raise TaskError(f"{bands.shape[1]} bands make no two views of {first} and the rest: set first anew.")
        own = (torch.arange(bands.shape[1], device=bands.device) < first)[:, None, None]
        return [self.seen(with_values(images, bands.where(mask, means(bands)))) for mask in (own, ~own)]
