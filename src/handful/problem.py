"""What is predicted: a class or a quantity. The only place where the two differ."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

UNLABELLED = -100  # class index of an example or a pixel that nobody labelled
CLOSED = -1e4  # score of a class that no label of the support shows, beside 0 of the best one: a probability of 0


class Prediction(NamedTuple):
    """Scores of classes (log-odds up to a constant) or values of quantities, outputs along dimension 1.

    mean      (n, outputs) or (n, outputs, height, width)
    variance  the same shape, or None where the learner doesn't tell
    """

    mean: Tensor
    variance: Tensor | None = None


class Problem(ABC):
    """The kind of answer: how to score it, what a linear solver fits, how to decide, what counts as labelled."""

    outputs: int

    @abstractmethod
    def loss(self, prediction: Prediction, targets: Tensor) -> Tensor:
        """The mean loss over labelled targets; 0 (with a gradient of 0) where nothing is labelled."""

    @abstractmethod
    def under_noise(self, loss: Tensor, log_variance: Tensor) -> Tensor:
        """A loss as it counts among several, under a noise of its own (Kendall et al. 2018, arXiv:1705.07115)."""

    @abstractmethod
    def as_numbers(self, targets: Tensor) -> Tensor:
        """Targets (rows,), all labelled, to the numbers (rows, outputs) that a linear solver fits."""

    @abstractmethod
    def as_scores(self, numbers: Tensor, scale: Tensor) -> Tensor:
        """What a linear solver says, times a learned scale where a softmax follows; a quantity has its own unit."""

    @abstractmethod
    def from_log_shares(self, shares: Tensor, targets: Tensor) -> Tensor:
        """What rows are given (rows, outputs) that take after labelled ones: logs of their shares (rows, M) of M."""

    @abstractmethod
    def decide(self, prediction: Prediction) -> Tensor:
        """The answer for each example: class indices or values, dimension 1 dropped."""

    @abstractmethod
    def labelled(self, targets: Tensor) -> Tensor:
        """A mask of the targets that somebody labelled."""

    @abstractmethod
    def strata(self, targets: Tensor) -> Tensor:
        """Labelled targets (rows,) to the index of the group that shots are counted in."""

    @abstractmethod
    def row_weights(self, targets: Tensor) -> Tensor:
        """Weights (rows,) of mean 1 that give each class of the labelled targets the same say."""

    @abstractmethod
    def standardise(self, targets: Tensor, like: Tensor | None = None) -> Tensor:
        """Targets as a learner fits them: quantities to mean 0 and deviation 1, their own or those of `like`."""

    @abstractmethod
    def restore(self, prediction: Prediction, support_targets: Tensor) -> Prediction:
        """A prediction fitted on standardised targets, back in units; classes without a label are closed."""

    @abstractmethod
    def level(self, parts: Iterable[Tensor]) -> tuple[float, ...]:
        """Mean and deviation of all labelled targets of several sets; nothing for classes."""

    @property
    @abstractmethod
    def means(self) -> tuple[str, ...]:
        """What targets mean, in words: names of classes, or quantity and unit."""

    @abstractmethod
    def translated(self, targets: Tensor, means: tuple[str, ...]) -> Tensor:
        """Targets that mean something else in this problem's own terms; what it has no name for is unlabelled."""

    @abstractmethod
    def mixture(self, members: Prediction) -> Prediction:
        """One prediction of many, (members, n, outputs, ...): each member's word has the same weight."""

    @abstractmethod
    def agreed(self, views: Prediction) -> Prediction:
        """`mixture` of one learner's answers to views of the same thing, the same bits for any order of the views.

        There is a variance only where the learner tells one.
        """

    @abstractmethod
    def mixed(self, targets: Tensor, others: Tensor, share: Tensor, own: Tensor) -> Tensor:
        """Targets (n, ...) of examples that are mixed with others, from the first ones' share (n,).

        own  (n,) where an answer that can't be halved is the first one's
        """

    @abstractmethod
    def blank(self, targets: Tensor, keep: Tensor) -> Tensor:
        """Targets with everything outside the mask `keep` unlabelled."""


@dataclass(frozen=True)
class Classes(Problem):
    """One of several named classes; `names[i]` is class index i.

    >>> Classes(("water", "forest")).outputs
    2
    """

    names: tuple[str, ...]

    @property
    def outputs(self) -> int:  # type: ignore[override]
        return len(self.names)

    def loss(self, prediction: Prediction, targets: Tensor) -> Tensor:
        scores = prediction.mean[:, : self.outputs]
        total = F.cross_entropy(scores, targets, ignore_index=UNLABELLED, reduction="sum")
        return total / self.labelled(targets).sum().clamp(min=1)

    def under_noise(self, loss: Tensor, log_variance: Tensor) -> Tensor:
        return (-log_variance).exp() * loss + log_variance / 2  # eq. 10, its second and fourth term

    def as_numbers(self, targets: Tensor) -> Tensor:
        return 2.0 * F.one_hot(targets, self.outputs) - 1.0

    def as_scores(self, numbers: Tensor, scale: Tensor) -> Tensor:
        return scale * numbers

    def from_log_shares(self, shares: Tensor, targets: Tensor) -> Tensor:
        found = shares.new_full((len(shares), self.outputs), CLOSED)
        for label in targets.unique().tolist():
            found[:, label] = shares[:, targets == label].logsumexp(1)  # exact however small a share is
        return found

    def decide(self, prediction: Prediction) -> Tensor:
        return prediction.mean[:, : self.outputs].argmax(1)

    def labelled(self, targets: Tensor) -> Tensor:
        return targets != UNLABELLED

    def strata(self, targets: Tensor) -> Tensor:
        return targets

    def row_weights(self, targets: Tensor) -> Tensor:
        counts = torch.bincount(targets, minlength=self.outputs)
        return len(targets) / ((counts > 0).sum() * counts[targets])

    def standardise(self, targets: Tensor, like: Tensor | None = None) -> Tensor:
        return targets

    def restore(self, prediction: Prediction, support_targets: Tensor) -> Prediction:
        seen = torch.bincount(support_targets[self.labelled(support_targets)], minlength=self.outputs) > 0
        scores = prediction.mean[:, : self.outputs]
        if bool(seen.all()):
            return prediction._replace(mean=scores)
        closed = ~seen.view(1, -1, *[1] * (scores.dim() - 2))
        best = scores.masked_fill(closed, -torch.inf).amax(1, keepdim=True)  # a score may be as low as it likes
        return prediction._replace(mean=(scores - best).masked_fill(closed, CLOSED))

    def level(self, parts: Iterable[Tensor]) -> tuple[float, ...]:
        return ()

    @property
    def means(self) -> tuple[str, ...]:
        return self.names

    def translated(self, targets: Tensor, means: tuple[str, ...]) -> Tensor:
        own = [self.names.index(name) if name in self.names else UNLABELLED for name in means]
        return torch.tensor(own)[targets.long()]

    def mixture(self, members: Prediction) -> Prediction:
        chances = members.mean[:, :, : self.outputs].log_softmax(2)
        return Prediction(chances.logsumexp(0) - math.log(len(chances)))

    def agreed(self, views: Prediction) -> Prediction:
        scores = views.mean[:, :, : self.outputs].double()  # beyond the last bits, which go by a pixel's place
        chances = scores.log_softmax(2).sort(0).values  # a sum of floats goes by its order
        return Prediction((chances.logsumexp(0) - math.log(len(chances))).to(views.mean))

    def mixed(self, targets: Tensor, others: Tensor, share: Tensor, own: Tensor) -> Tensor:
        return torch.where(an_example(own, targets), targets, others)

    def blank(self, targets: Tensor, keep: Tensor) -> Tensor:
        return targets.masked_fill(~keep, UNLABELLED)


def an_example(numbers: Tensor, like: Tensor) -> Tensor:
    """A number an example (n,), shaped for targets (n, ...)."""
    return numbers.view(-1, *[1] * (like.dim() - 1))


@dataclass(frozen=True)
class Quantity(Problem):
    """A number with a unit: moisture in %, height in m.

    >>> Quantity("fuel moisture", "%").outputs
    1
    """

    name: str
    unit: str = ""
    outputs: int = 1

    def loss(self, prediction: Prediction, targets: Tensor) -> Tensor:
        known = self.labelled(targets)
        values, wanted = prediction.mean[:, 0][known], targets[known]
        if prediction.variance is None:
            total = (values - wanted).square().sum()
        else:
            variance = prediction.variance[:, 0][known]
            total = F.gaussian_nll_loss(values, wanted, variance, full=True, reduction="sum")
        return total / known.sum().clamp(min=1)

    def under_noise(self, loss: Tensor, log_variance: Tensor) -> Tensor:
        return ((-log_variance).exp() * loss + log_variance) / 2  # eq. 7

    def as_numbers(self, targets: Tensor) -> Tensor:
        return targets[:, None]

    def as_scores(self, numbers: Tensor, scale: Tensor) -> Tensor:
        return numbers

    def from_log_shares(self, shares: Tensor, targets: Tensor) -> Tensor:
        return (shares.exp() @ targets.to(shares))[:, None]

    def decide(self, prediction: Prediction) -> Tensor:
        return prediction.mean[:, 0]

    def labelled(self, targets: Tensor) -> Tensor:
        return targets.isfinite()

    def strata(self, targets: Tensor) -> Tensor:
        return torch.zeros_like(targets, dtype=torch.long)

    def row_weights(self, targets: Tensor) -> Tensor:
        return torch.ones_like(targets)

    def standardise(self, targets: Tensor, like: Tensor | None = None) -> Tensor:
        middle, spread = self._middle_and_spread(targets if like is None else like)
        return (targets - middle) / spread

    def restore(self, prediction: Prediction, support_targets: Tensor) -> Prediction:
        middle, spread = self._middle_and_spread(support_targets)
        variance = None if prediction.variance is None else prediction.variance[:, :1] * spread.square()
        return Prediction(prediction.mean[:, :1] * spread + middle, variance)

    def _middle_and_spread(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        known = targets[self.labelled(targets)]
        spread = known.std(correction=0)
        return known.mean(), torch.where(spread > 0, spread, torch.ones_like(spread))

    def level(self, parts: Iterable[Tensor]) -> tuple[float, ...]:
        middle, spread = self._middle_and_spread(torch.cat([part.flatten() for part in parts]))
        return float(middle), float(spread)

    @property
    def means(self) -> tuple[str, ...]:
        return self.name, self.unit

    def translated(self, targets: Tensor, means: tuple[str, ...]) -> Tensor:
        return targets if means == self.means else torch.full_like(targets, float("nan"))

    def mixture(self, members: Prediction) -> Prediction:
        means = members.mean[:, :, : self.outputs]
        within = 0.0 if members.variance is None else members.variance[:, :, : self.outputs].mean(0)
        return Prediction(means.mean(0), means.var(0, correction=0) + within)

    def agreed(self, views: Prediction) -> Prediction:
        mean = views.mean.double().sort(0).values
        variance = None if views.variance is None else views.variance.double().sort(0).values
        found = self.mixture(Prediction(mean, variance))
        spread = None if variance is None or found.variance is None else found.variance.to(views.mean)
        return Prediction(found.mean.to(views.mean), spread)

    def mixed(self, targets: Tensor, others: Tensor, share: Tensor, own: Tensor) -> Tensor:
        weight = an_example(share, targets).to(targets)
        return weight * targets + (1 - weight) * others

    def blank(self, targets: Tensor, keep: Tensor) -> Tensor:
        return targets.masked_fill(~keep, float("nan"))
