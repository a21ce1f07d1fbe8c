"""A detector whose last layer alone learns the new kinds, by cosines."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..solvers.boxes import decoded
from ..solvers.roi_align import roi_align
from .detections import Detections
from .peaks import sides_of
from .two_stage import Backbone, Chosen, ProposalHead, chosen, gridded, steps_loss

CELLS = 5  # a side, of what is taken from a box
SCALE = 20.0  # of cosines: alpha of the paper's eq. 1, the value that it settles on
STEPS, STEP_SIZE = 200, 0.02  # of fine-tuning


class Last(nn.Module):
    """The last layer: cosines to a vector of each kind and of the background, and steps to each kind's boxes."""

    def __init__(self, width: int, kinds: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(kinds + 1, width) * 0.1)  # the background comes last
        self.steps = nn.Linear(width, 4 * kinds)
        self.sides = torch.zeros(0, 2)  # heights and widths of the examples, of boxes that are tried beside proposals

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Log-odds (n, kinds + 1), steps (n, kinds, 4)."""
        cosines = F.normalize(rows, dim=-1) @ F.normalize(self.weight, dim=-1).T  # eq. 1
        return SCALE * cosines, self.steps(rows).unflatten(1, (-1, 4))

    def loss(self, rows: Tensor, found: Chosen, truth: Tensor, kinds: Tensor) -> Tensor:
        """Which kind, or none, and where."""
        logits, steps = self(rows)
        background = logits.shape[1] - 1
        targets = (
            torch.where(found.holds, kinds[found.owner], background)
            if len(kinds)
            else torch.full_like(found.owner, background)
        )
        own = found.holds.nonzero()[:, 0]
        towards = steps[own, targets[own]]
        where = steps_loss(towards, found.boxes[own], truth[found.owner[own]], len(found.boxes))
        return F.cross_entropy(logits, targets) + where


class CosineDetector(nn.Module):
    """Wang et al. 2020, "Frustratingly simple few-shot object detection" (arXiv:2003.06957), the one with cosines.

    First the whole net learns the base kinds (`loss`); then all of it is fixed but the last layer, the classifier and
    the regressor of boxes, which learn the new kinds from a few examples (`fine_tuned`). Where this departs: the net is
    small (see `two_stage`); the fine-tuned layer has the new kinds only, since nobody asks for the base kinds, where
    the paper has both; vectors of new kinds begin as the means of their examples and not at random; the background's
    vector begins as base training left it; boxes of the examples' sizes join the proposals (see `gridded`).
    """

    progress: float = 1.0  # share of base training that is done

    def __init__(self, kinds: int, width: int = 64, hidden: int = 128):
        super().__init__()
        self.backbone = Backbone(width)
        self.proposals = ProposalHead(width, Backbone.stride)
        self.hidden = nn.Sequential(
            nn.Linear(width * CELLS**2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.last = Last(hidden, kinds)

    def rows(self, maps: Tensor, boxes: Tensor) -> Tensor:
        """(n, hidden) of boxes in the maps of one image."""
        return self.hidden(roi_align(maps[0], boxes, CELLS, Backbone.stride).flatten(1))

    def loss(self, images: Tensor, boxes: Tensor, kinds: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of base training on one image (1, bands, height, width) and its boxes."""
        maps = self.backbone(images)
        proposals = self.proposals(maps)
        found = chosen(proposals.best(*images.shape[-2:]), boxes, generator)
        return proposals.loss(boxes, generator) + self.last.loss(self.rows(maps, found.boxes), found, boxes, kinds)

    def fine_tuned(
        self, images: Sequence[Tensor], boxes: Sequence[Tensor], kinds: Sequence[Tensor], count: int, seed: int
    ) -> Last:
        """A last layer for `count` new kinds, from images and the examples on each of them. The net stays as it was."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            maps = [self.backbone(image) for image in images]
            sizes = [image.shape[-2:] for image in images]
            sides = torch.from_numpy(sides_of(torch.cat(list(boxes)).double().numpy())).float()
            every = [self.tried(one, sides, size) for one, size in zip(maps, sizes, strict=True)]
            shown = torch.cat([self.rows(one, own) for one, own in zip(maps, boxes, strict=True)])
        last = started(self.last, shown, torch.cat(list(kinds)), count)
        last.sides = sides
        steps = torch.optim.SGD(last.parameters(), STEP_SIZE, momentum=0.9, weight_decay=1e-4)
        for step in range(STEPS):
            index = step % len(images)
            found = chosen(every[index], boxes[index], generator)
            with torch.no_grad():
                rows = self.rows(maps[index], found.boxes)
            loss = last.loss(rows, found, boxes[index], kinds[index])
            steps.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            steps.step()
        return last

    def tried(self, maps: Tensor, sides: Tensor, size: torch.Size) -> Tensor:
        """(n, 4) the proposals in an image of this size, and boxes of the examples' sides all over it."""
        return torch.cat([self.proposals(maps).best(*size), gridded(sides, *size)])

    @torch.no_grad()
    def detect(self, image: Tensor, last: Last) -> Detections:
        """What a last layer finds in an image (1, bands, height, width)."""
        maps, size = self.backbone(image), image.shape[-2:]
        boxes = self.tried(maps, last.sides, size)
        logits, steps = last(self.rows(maps, boxes))
        many = [decoded(steps[:, kind], boxes) for kind in range(steps.shape[1])]
        return Detections.best(torch.stack(many, dim=1), logits.softmax(1)[:, :-1], *size)


def started(base: Last, shown: Tensor, kinds: Tensor, count: int) -> Last:
    """A last layer for new kinds before it is fine-tuned."""
    last = Last(base.weight.shape[1], count)
    with torch.no_grad():
        means = torch.stack([F.normalize(shown[kinds == kind], dim=-1).mean(0) for kind in range(count)])
        last.weight.copy_(torch.cat([means, F.normalize(base.weight[-1:], dim=-1)]))
        last.steps.weight.copy_(base.steps.weight.unflatten(0, (-1, 4)).mean(0).repeat(count, 1))
        last.steps.bias.copy_(base.steps.bias.unflatten(0, (-1, 4)).mean(0).repeat(count))
    return last
