"""What the two trained detectors share: a small backbone, proposals from anchors, and how boxes get their targets.

Faster R-CNN (Ren et al. 2015, arXiv:1506.01497) at a size that trains on a CPU: one map at a quarter of the image's
scale instead of a ResNet with a pyramid, RoI Align instead of RoI pooling, groups instead of batches for norms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..solvers.boxes import anchors_of, clipped, decoded, encoded, overlaps, suppressed

BANDS = 4  # blue, green, red, near infrared
SIZES, RATIOS = (9.0, 20.0, 42.0), (0.5, 1.0, 2.0)  # of anchors, in pixels
NEAR, FAR = 0.6, 0.3  # overlaps from which on an anchor is an object, and below which it is background
SAME = 0.5  # overlap from which on a proposal is the object
CHOSEN, CHOSEN_BOXES = 128, 64  # anchors and proposals of an image that a loss looks at
LEAST_BOXES = 12  # of these, where they are few so that objects are no rarity among them
GRID = 2500  # boxes of the examples' sizes that are tried in an image, some more or less
SMALLEST = 2.0  # pixels of a proposal's side


class Backbone(nn.Module):
    """(n, bands, height, width) -> (n, width, height / 4, width / 4)."""

    stride = 4

    def __init__(self, width: int = 64):
        super().__init__()
        plan = [(BANDS, 24, 1, 1), (24, 48, 2, 1), (48, 48, 1, 1), (48, width, 2, 1), (width, width, 1, 1)]
        plan += [(width, width, 1, 2), (width, width, 1, 3)]
        self.layers = nn.Sequential(*(block(*one) for one in plan))
        self.width = width

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


def block(inputs: int, outputs: int, stride: int, dilation: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(8, outputs), nn.ReLU())


class Proposals(NamedTuple):
    """For each anchor (n, 4): the log-odds that an object is there (n,), and what leads to its box (n, 4)."""

    anchors: Tensor
    logits: Tensor
    steps: Tensor

    @torch.no_grad()
    def best(self, height: int, width: int, before: int = 300, after: int = 60) -> Tensor:
        """(m, 4) boxes within the image, best first, none much like a better one."""
        top = self.logits.topk(min(before, len(self.logits))).indices
        boxes = clipped(decoded(self.steps[top], self.anchors[top]), height, width)
        large = ((boxes[:, 2:] - boxes[:, :2]) >= SMALLEST).all(1)
        boxes, scores = boxes[large], self.logits[top][large]
        return boxes[suppressed(boxes, scores, 0.7)[:after]]

    def loss(self, boxes: Tensor, generator: torch.Generator) -> Tensor:
        """Is an object there, and where (Ren et al. 2015, eq. 1); anchors between near and far don't count."""
        owner, best = assigned(self.anchors, boxes)
        near = best >= NEAR
        if len(boxes):  # the anchor nearest to a box is its own, however far
            table = overlaps(boxes, self.anchors)
            closest = table.argmax(1)
            near[closest], owner[closest] = True, torch.arange(len(boxes))
        chosen = balanced(near, best < FAR, CHOSEN, 0.5, generator)
        loss = F.binary_cross_entropy_with_logits(self.logits[chosen], near[chosen].float())
        own = chosen[near[chosen]]
        return loss + steps_loss(self.steps[own], self.anchors[own], boxes[owner[own]], len(chosen))


class ProposalHead(nn.Module):
    """Proposals from a map: one 3 x 3 convolution, then one layer for log-odds and one for steps."""

    def __init__(self, width: int, stride: int):
        super().__init__()
        self.stride, self.count = stride, len(SIZES) * len(RATIOS)
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.logits, self.steps = nn.Conv2d(width, self.count, 1), nn.Conv2d(width, 4 * self.count, 1)
        nn.init.constant_(self.logits.bias, -3.0)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> Proposals:
        """maps (1, width, height, width of the map)."""
        mixed = F.relu(self.mix(maps))
        anchors = anchors_of(maps.shape[-2], maps.shape[-1], self.stride, SIZES, RATIOS)
        logits = self.logits(mixed)[0].permute(1, 2, 0).flatten()
        return Proposals(anchors, logits, self.steps(mixed)[0].permute(1, 2, 0).reshape(-1, 4))


def assigned(boxes: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """For each box (n,): the true one that it overlaps most, and by how much; 0 and 0 where there are none."""
    if not len(truth):
        return torch.zeros(len(boxes), dtype=torch.long), torch.zeros(len(boxes))
    best, owner = overlaps(boxes, truth).max(1)
    return owner, best


def balanced(good: Tensor, bad: Tensor, most: int, share: float, generator: torch.Generator) -> Tensor:
    """Indices of at most so many, at most such a share of them good, drawn at random."""
    draws: list[Tensor] = []
    for mask, room in ((good, int(most * share)), (bad & ~good, most)):
        index = mask.nonzero()[:, 0]
        room = min(room, most - sum(len(one) for one in draws))
        draws.append(index[torch.randperm(len(index), generator=generator)[:room]])
    return torch.cat(draws)


def steps_loss(steps: Tensor, anchors: Tensor, boxes: Tensor, count: int) -> Tensor:
    """Smooth L1 of steps towards their boxes, over all that were looked at (Girshick 2015, arXiv:1504.08083, eq. 3)."""
    if not len(steps):
        return steps.sum()
    return F.smooth_l1_loss(steps, encoded(boxes, anchors), beta=0.2, reduction="sum") / max(count, 1)


@dataclass(frozen=True)
class Chosen:
    """Proposals of an image that a head is trained on: boxes (n, 4), the true one of each (n,), which hold it (n,)."""

    boxes: Tensor
    owner: Tensor
    holds: Tensor


def chosen(proposals: Tensor, truth: Tensor, generator: torch.Generator, least: float = 0.0) -> Chosen:
    """Some proposals and all true boxes, at most a third of them objects, and at least such a share."""
    boxes = torch.cat([truth, proposals])
    owner, best = assigned(boxes, truth)
    good = best >= SAME
    most = min(CHOSEN_BOXES, max(LEAST_BOXES, int(good.sum() / least))) if least else CHOSEN_BOXES
    index = balanced(good, ~good, most, 1 / 3, generator)
    return Chosen(boxes[index], owner[index], good[index])


def gridded(sides: Tensor, height: int, width: int) -> Tensor:
    """(n, 4) boxes with each of these heights and widths (k, 2), side by side at a quarter of their sides.

    They join the proposals where new kinds are looked for: those of kinds that base training never saw go unproposed
    by its weights, while what is in a box is told well enough. Farther apart where they were more than GRID boxes.
    """
    if not len(sides):
        return torch.zeros(0, 4)
    apart = (sides / 4).clamp(min=SMALLEST)
    many = float((height * width / apart.prod(1)).sum())
    apart = apart * max(1.0, math.sqrt(many / GRID))
    parts = []
    for (high, wide), (down, right) in zip(sides.tolist(), apart.tolist(), strict=True):
        y, x = torch.meshgrid(
            torch.arange(0, max(height - high, 0) + down, down), torch.arange(0, max(width - wide, 0) + right, right),
            indexing="ij",
        )  # fmt: skip
        low = torch.stack([x.flatten(), y.flatten()], 1)
        parts.append(torch.cat([low, low + torch.tensor([wide, high])], 1))
    return clipped(torch.cat(parts), height, width)
