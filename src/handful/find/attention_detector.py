"""A detector that compares every proposal with the examples, and looks for proposals in their light."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..solvers.boxes import decoded
from ..solvers.roi_align import roi_align
from .cosine_detector import CosineDetector
from .detections import Detections
from .two_stage import Backbone, ProposalHead, chosen, steps_loss

MOST_SHOTS = 5  # examples of a kind that base training shows at once
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
    images that they lie on instead of from crops of 320 x 320 pixels. The paper starts from a net that has learned to
    name what is on photographs; this one starts as the detector `before`, which learns to name the base kinds, since
    comparing alone taught a new net next to nothing.
    """

    progress: float = 1.0  # share of base training that is done

    def __init__(self, kinds: int, width: int = 64):
        super().__init__()
        self.before = CosineDetector(kinds, width)
        self.relations = Relations(width)

    @property
    def backbone(self) -> Backbone:
        return self.before.backbone

    @property
    def proposals(self) -> ProposalHead:
        return self.before.proposals

    def taken(self, maps: Tensor, boxes: Tensor) -> Tensor:
        """(n, d, 7, 7) of boxes in the maps of one image."""
        return roi_align(maps[0], boxes, CELLS, Backbone.stride)

    def attended(self, maps: Tensor, example: Tensor) -> Tensor:
        """The maps filtered by an example (1, d, 7, 7): a depth-wise correlation with its mean (eq. 1)."""
        return maps * example.mean((2, 3), keepdim=True)

    def loss(
        self,
        images: Sequence[Tensor],
        boxes: Sequence[Tensor],
        kinds: Sequence[Tensor],
        generator: torch.Generator,
    ) -> Tensor:
        """The loss of base training on some images (1, bands, height, width), each beside examples from the others.

        Each is looked at with examples of a kind that is on it, and of one that isn't.
        """
        maps = [self.backbone(image) for image in images]
        taken = [self.taken(one, own) for one, own in zip(maps, boxes, strict=True)]
        losses = [maps[0].sum() * 0]
        for index, image in enumerate(images):
            rest = [place for place in range(len(images)) if place != index]
            theirs, rows = torch.cat([kinds[place] for place in rest]), torch.cat([taken[place] for place in rest])
            on_it = torch.isin(theirs, kinds[index])
            for mask in (on_it, ~on_it):
                if not mask.any():
                    continue
                kind = one_of(theirs[mask].unique(), generator)
                own = rows[theirs == kind]
                shots = int(torch.randint(MOST_SHOTS, (1,), generator=generator)) + 1
                example = own[torch.randperm(len(own), generator=generator)[:shots]].mean(0, keepdim=True)
                mine = kinds[index] == kind
                losses.append(
                    self.pair_loss(
                        maps[index], image.shape[-2:], boxes[index][mine], boxes[index][~mine], example, generator
                    )
                )
        return torch.stack(losses).sum() / len(images)

    def pair_loss(
        self, maps: Tensor, size: torch.Size, own: Tensor, foreign: Tensor, example: Tensor, generator: torch.Generator
    ) -> Tensor:
        """One image beside one example: objects of its kind (`own`) match, background and other kinds don't.

        Of one that matches there are at most two of the background, so that what matches is no rarity (section 4.3).
        """
        proposals = self.proposals(self.attended(maps, example))
        found = chosen(proposals.best(*size), own, generator, 1 / 3)
        boxes = torch.cat([found.boxes, foreign])
        logits, steps = self.relations(self.taken(maps, boxes), example)
        holds = torch.cat([found.holds, torch.zeros(len(foreign), dtype=torch.bool)])
        loss = F.binary_cross_entropy_with_logits(logits, holds.float())
        if not len(own):
            return loss
        mine = found.holds.nonzero()[:, 0]
        where = steps_loss(steps[mine], found.boxes[mine], own[found.owner[mine]], len(found.boxes))
        return loss + where + proposals.loss(own, generator)

    @torch.no_grad()
    def examples(
        self, images: Sequence[Tensor], boxes: Sequence[Tensor], kinds: Sequence[Tensor], count: int
    ) -> list[Tensor]:
        """What is compared with: for each kind the mean of its examples (1, d, 7, 7)."""
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


def one_of(values: Tensor, generator: torch.Generator) -> int:
    return int(values[torch.randint(len(values), (1,), generator=generator)])
