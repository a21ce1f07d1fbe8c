"""A detector that compares every proposal with the examples, and looks for proposals in their light."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..solvers.boxes import decoded
from ..solvers.roi_align import roi_align
from .detections import Detections
from .two_stage import Backbone, ProposalHead, chosen, steps_loss

ExampleOf = Callable[[int], Tensor]
CELLS = 7  # a side, of what is taken from a box


class Relations(nn.Module):
    """The multi-relation head (section 4.2.2 and figure 4): do a proposal and an example show one kind?

    Global: both averaged, side by side, through two layers. Local: their maps correlated cell by cell, channel by
    channel. Patch: their maps side by side through convolutions, which also tell the steps to the box. (n, d, 7, 7)
    and (1, d, 7, 7) -> log-odds (n,), the sum of the three, and steps (n, 4).
    """

    def __init__(self, width: int):
        super().__init__()
        self.wide = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.wide_score = nn.Linear(width, 1)
        self.local = nn.Conv2d(width, width, 1)
        self.local_score = nn.Linear(width, 1)
        self.patch = nn.Sequential(
            nn.Conv2d(2 * width, width // 2, 1),
            nn.ReLU(),
            nn.AvgPool2d(3, 1),
            nn.Conv2d(width // 2, width // 2, 3),
            nn.ReLU(),
            nn.Conv2d(width // 2, width, 1),
            nn.ReLU(),
        )
        self.patch_score, self.steps = nn.Linear(width, 1), nn.Linear(width, 4)

    def forward(self, rows: Tensor, example: Tensor) -> tuple[Tensor, Tensor]:
        other = example.expand_as(rows)
        wide = self.wide(torch.cat([rows, other], 1).mean((2, 3)))
        local = (self.local(rows) * self.local(other)).mean((2, 3))  # a depth-wise correlation of equal sizes
        patch = self.patch(torch.cat([rows, other], 1)).mean((2, 3))
        score = self.wide_score(wide) + self.local_score(F.relu(local)) + self.patch_score(patch)
        return score[:, 0], self.steps(patch)


class AttentionDetector(nn.Module):
    """Fan et al. 2020, "Few-shot object detection with Attention-RPN and multi-relation detector" (arXiv:1908.01998).

    The examples' mean feature filters the image's map channel by channel before proposals are made (eq. 1, with an
    example of 1 x 1), and the head compares. It is trained on pairs of an image with an example of a kind that is on
    it and one of another kind (the two-way contrast of section 4.3), and never fine-tuned. Where this departs: the
    net is small (see `two_stage`), its layers' widths are scaled down, and examples are taken from the maps of the
    images that they lie on instead of from crops of 320 x 320 pixels.
    """

    def __init__(self, width: int = 64):
        super().__init__()
        self.backbone = Backbone(width)
        self.proposals = ProposalHead(width, Backbone.stride)
        self.relations = Relations(width)

    def taken(self, maps: Tensor, boxes: Tensor) -> Tensor:
        """(n, d, 7, 7) of boxes in the maps of one image."""
        return roi_align(maps[0], boxes, CELLS, Backbone.stride)

    def attended(self, maps: Tensor, example: Tensor) -> Tensor:
        """The maps filtered by an example (1, d, 7, 7): a depth-wise correlation with its mean (eq. 1)."""
        return maps * example.mean((2, 3), keepdim=True)

    def loss(
        self,
        images: Tensor,
        boxes: Tensor,
        kinds: Tensor,
        generator: torch.Generator,
        example_of: ExampleOf,
        known: Sequence[int],
    ) -> Tensor:
        """The loss of base training: an image beside an example of a kind that is on it, and beside one of another.

        example_of  one of the `known` kinds -> an example (1, d, 7, 7) of it from another image
        """
        maps = self.backbone(images)
        present = kinds.unique()
        right = int(present[torch.randint(len(present), (1,), generator=generator)])
        absent = [kind for kind in known if kind not in present.tolist()] or [k for k in known if k != right]
        wrong = absent[int(torch.randint(len(absent), (1,), generator=generator))]
        size = images.shape[-2:]
        loss = self.pair_loss(
            maps, size, boxes[kinds == right], boxes[kinds != right], example_of(right), generator, True
        )
        return loss + self.pair_loss(maps, size, boxes[:0], boxes[kinds != wrong], example_of(wrong), generator, False)

    def pair_loss(
        self,
        maps: Tensor,
        size: torch.Size,
        own: Tensor,
        foreign: Tensor,
        example: Tensor,
        generator: torch.Generator,
        proposing: bool,
    ) -> Tensor:
        """One image beside one example: objects of its kind (`own`) match, background and other kinds don't."""
        proposals = self.proposals(self.attended(maps, example))
        found = chosen(torch.cat([foreign, proposals.best(*size)]), own, generator)
        logits, steps = self.relations(self.taken(maps, found.boxes), example)
        loss = F.binary_cross_entropy_with_logits(logits, found.holds.float())
        mine = found.holds.nonzero()[:, 0]
        if len(mine):
            loss = loss + steps_loss(steps[mine], found.boxes[mine], own[found.owner[mine]], len(found.boxes))
        return loss + proposals.loss(own, generator) if proposing else loss

    @torch.no_grad()
    def examples(
        self, images: Sequence[Tensor], boxes: Sequence[Tensor], kinds: Sequence[Tensor], count: int
    ) -> list[Tensor]:
        """For each kind (1, d, 7, 7), the mean of its examples."""
        taken = torch.cat([self.taken(self.backbone(image), own) for image, own in zip(images, boxes, strict=True)])
        every = torch.cat(list(kinds))
        return [taken[every == kind].mean(0, keepdim=True) for kind in range(count)]

    @torch.no_grad()
    def detect(self, image: Tensor, examples: Sequence[Tensor]) -> Detections:
        """What is like the examples in an image (1, bands, height, width): one look a kind."""
        maps, size = self.backbone(image), image.shape[-2:]
        boxes, scores = [], []
        for kind, example in enumerate(examples):
            own = self.proposals(self.attended(maps, example)).best(*size)
            logits, steps = self.relations(self.taken(maps, own), example)
            table = torch.zeros(len(own), len(examples))
            table[:, kind] = logits.sigmoid()
            boxes.append(decoded(steps, own)[:, None].expand(-1, len(examples), -1))
            scores.append(table)
        return Detections.best(torch.cat(boxes), torch.cat(scores), *size)
