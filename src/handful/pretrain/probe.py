"""Whether it helps, on a few labels: balanced accuracy of a ridge on the features, out of folds in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import LabelsError
from ..learner import Learner
from ..maps.fit import thinned
from ..maps.grid import Window
from ..maps.labels import Labels
from ..maps.scene import Scene
from ..maps.sight import Sight
from ..problem import Classes
from ..solvers.rows import in_parts
from ..task import Examples
from ..trust.folds import Folds, block_folds
from ..trust.scores import balanced_accuracy, confusion

MOST_LABELS = 400  # a window each is held; beyond, a seeded sample of each class
AT_ONCE = 32  # windows that are encoded at a time


@dataclass(frozen=True)
class Probe:
    """Windows around labelled pixels, the same for every judgement.

    windows  (m, bands, side, side) around each label, NaN where invalid
    """

    windows: np.ndarray
    targets: np.ndarray
    problem: Classes
    folds: Folds
    sight: Sight

    @classmethod
    def of(cls, scene: Scene, sight: Sight, labels: Labels, side: int, seed: int) -> Probe:
        """Raises LabelsError where no label lies on valid pixels, all are of one class, or no fold can judge any."""
        labels = thinned(labels, seed, MOST_LABELS)
        read = [
            scene.read(Window(int(row) - side // 2, int(column) - side // 2, side, side))
            for row, column in zip(labels.rows, labels.columns, strict=True)
        ]
        good = np.array([bool(valid[side // 2, side // 2]) for _, valid in read])
        labels = labels.keep(good)
        labels.require_enough()
        problem: Classes = labels.problem  # type: ignore[assignment]
        metres = scene.grid.metres(labels.rows, labels.columns)
        folds = block_folds(metres, labels.targets, labels.groups, seed=seed, names=problem.names)
        if not folds.judged.any():
            why = " ".join(folds.cannot_judge)
            raise LabelsError(f"{labels.name}: no label can be judged. {why} Give more labels, or leave --labels out.")
        windows = np.stack([values for (values, _), keep in zip(read, good, strict=True) if keep])
        return cls(windows, labels.targets, problem, folds, sight)

    @torch.no_grad()
    def of_features(self, learner: Learner) -> float:
        """The balanced accuracy on the features that the learner's encoder has now, those at the label itself."""

        def at_label(windows: Tensor) -> Tensor:
            features = learner.net.encode(self.sight.inputs(windows.numpy()))
            return features[:, :, features.shape[2] // 2, features.shape[3] // 2] if features.dim() == 4 else features

        return self.score(learner, in_parts(at_label, torch.from_numpy(self.windows), AT_ONCE))

    def of_bands(self, learner: Learner) -> float:
        """The same on the bare bands of the labelled pixels."""
        middle = self.windows.shape[2] // 2
        return self.score(
            learner, self.sight.inputs(self.windows[:, :, middle, middle, None, None])["bands"].flatten(1)
        )

    @torch.no_grad()
    def score(self, learner: Learner, table: Tensor) -> float:
        """Out of fold, by the learner's own way of adapting to rows of features (m, width)."""
        targets, answers = torch.from_numpy(self.targets), np.zeros_like(self.targets)
        for train, test in self.folds.splits():
            support = Examples({"features": table[torch.from_numpy(train)]}, targets[train], self.problem)
            asked = {"features": table[torch.from_numpy(test)]}
            answers[test] = learner.adapt(support).predict(asked).numpy()
        judged = self.folds.judged
        return balanced_accuracy(confusion(self.targets[judged], answers[judged], self.problem.outputs))
