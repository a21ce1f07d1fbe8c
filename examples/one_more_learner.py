"""One more learner: with `solve` alone it adapts to classes and quantities, and meta-trains: [STEPS]."""

import sys

import torch.nn.functional as F

from handful import Prediction
from handful.bench.evaluate import score_region
from handful.learner import Learner, settings
from handful.meta_train import Training, meta_train
from handful.simulate import region


@settings
class Matching(Learner):
    """Vinyals et al. 2016, arXiv:1606.04080, eq. 1: the mean of the labels, weighted by a softmax of cosines."""

    sharpness: float = 10.0

    def solve(self, features, targets, problem):
        known, numbers = F.normalize(features), problem.as_numbers(targets).to(features)
        return lambda rows: Prediction((self.sharpness * F.normalize(rows) @ known.T).softmax(1) @ numbers)


def main(steps=150):
    train, test = ([region(seed, size=64) for seed in seeds] for seeds in (range(1, 13), range(13, 17)))
    learner = Matching(encoder="spectral", encoder_settings={"width": 24, "blocks": 2})

    def score():
        return [row.balanced_accuracy for land in test for row in score_region(learner, land, [5], range(2))]

    before = score()
    meta_train(learner, lambda step: [train[step % 12].task(5, seed=step)], Training(steps=steps))
    for when, scores in (("before", before), ("after", score())):
        print(f"{when} meta-training: balanced accuracy {sum(scores) / len(scores):.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
