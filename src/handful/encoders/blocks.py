"""The description of a cell in words, as architecture searches write it and settings have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SettingsError, did_you_mean

# Each operation by name, and how a person is told of it.
OPERATIONS = {
    "conv3": "a convolution of 3 x 3",
    "conv5": "a convolution of 5 x 5",
    "separable3": "a separable convolution of 3 x 3",
    "separable5": "a separable convolution of 5 x 5",
    "dilated3": "a convolution of 3 x 3 at every other pixel",
    "max3": "the maximum of 3 x 3",
    "average3": "the mean of 3 x 3",
    "identity": "",
}
MOST_BLOCKS = 8
EXAMPLE = 'cell = ["conv3 0 + identity 0", "max3 1"]'


@dataclass(frozen=True, order=True)
class Step:
    """An operation on the cell's input (of = 0) or on what an earlier block gives (of = 1 for the first block)."""

    operation: str
    of: int

    def __str__(self) -> str:
        return f"{self.operation} {self.of}"


Block = tuple[Step, ...]  # one step or two, whose results are added


def parsed(words: Sequence[str]) -> tuple[Block, ...]:
    """The blocks of a cell, from a text each: 'conv3 0 + identity 0'. Raises SettingsError.

    >>> parsed(["conv3 0 + identity 0", "max3 1"])[1]
    (Step(operation='max3', of=1),)
    """
    if not 1 <= len(words) <= MOST_BLOCKS:
        raise SettingsError(f"a cell has {len(words)} blocks: give 1 to {MOST_BLOCKS}, such as {EXAMPLE}.")
    return tuple(block_of(text, number) for number, text in enumerate(words, start=1))


def block_of(text: str, number: int) -> Block:
    steps = tuple(step_of(part, text, number) for part in text.split("+"))
    if len(steps) > 2:
        raise SettingsError(f"block {number} of a cell, '{text}', adds {len(steps)} operations: give one or two.")
    return steps


def step_of(part: str, text: str, number: int) -> Step:
    where, (operation, *rest) = f"block {number} of a cell, '{text}'", part.split() or [""]
    if operation not in OPERATIONS:
        raise SettingsError(
            f"{where}, has no known operation '{operation}'. {did_you_mean(operation, list(OPERATIONS))}"
        )
    if len(rest) != 1 or rest[0] not in map(str, range(number)):
        earlier = f", or the number of an earlier block, up to {number - 1}" if number > 1 else ""
        raise SettingsError(
            f"{where}: what '{operation}' works on is {' '.join(rest) or 'missing'}: write 0 for the cell's "
            f"input{earlier}, such as {EXAMPLE}."
        )
    return Step(operation, int(rest[0]))


def written(blocks: Sequence[Block]) -> tuple[str, ...]:
    """The words of a cell; `parsed` gives the blocks back."""
    return tuple(" + ".join(map(str, block)) for block in blocks)


def loose_ends(blocks: Sequence[Block]) -> list[int]:
    """The numbers of the blocks that no later block works on: the cell gives their sum."""
    used = {step.of for block in blocks for step in block}
    return [number for number in range(1, len(blocks) + 1) if number not in used]


def told(words: Sequence[str]) -> str:
    """A cell in a sentence.

    >>> told(["conv3 0 + identity 0"])
    'block 1 is a convolution of 3 x 3 of the input + the input; the cell gives block 1'
    """
    blocks = parsed(words)
    parts = [f"block {number} is {' + '.join(map(step_told, block))}" for number, block in enumerate(blocks, start=1)]
    ends = " + ".join(f"block {number}" for number in loose_ends(blocks))
    return "; ".join([*parts, f"the cell gives {ends}"])


def step_told(step: Step) -> str:
    whole = f"block {step.of}" if step.of else "the input"
    said = OPERATIONS[step.operation]
    return f"{said} of {whole}" if said else whole
