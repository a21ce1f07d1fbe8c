"""Late fusion: an encoder for each modality, whose features are joined."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..errors import SettingsError
from ..task import Inputs
from .fused import no_width, part_encoder, part_of, width_of
from .modality import filled, kept, known, laid_out, of_modality, space_of
from .windows import cut


class Late(nn.Module):
    """What each modality's own encoder says stands side by side, or is joined by attention.

    parts      a text for each: the modality, its encoder, its settings: "radar dense bands=2 width=16"
    attention  width of the features that are joined by attention over modalities: a mean that is weighed by how each
               answers one learned question (Ilse et al. 2018, arXiv:1802.04712, there over the parts of a bag); 0 for
               side by side
    shared     one encoder and its weights for all, which must be said alike
    dropout    the chance that a modality of an example is left out while training, so that the net can do without

    A modality that is missing says 0; attention leaves it out. Beside dense features, those of an image or a row hold
    for all its pixels. Fixed features beside learned ones are divided by the root of their number, as those are.
    """

    def __init__(
        self,
        parts: tuple[str, ...] = ("bands context",),
        attention: int = 0,
        shared: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        said = [part_of("late", text) for text in parts]
        self.modalities, texts = tuple(name for name, _ in said), [text for _, text in said]
        if shared and len(set(texts)) > 1:
            raise SettingsError(f"encoder 'late' shares one encoder, but its parts say {', '.join(texts)}: say one.")
        made = [part_encoder("late", text) for text in (texts[:1] if shared else texts)]
        self.encoders, self.dropout = nn.ModuleList(made), dropout
        self.places = [0] * len(texts) if shared else list(range(len(texts)))  # of each modality's encoder
        self.reach = max(int(encoder.reach) for encoder in made)  # type: ignore[arg-type]
        self.leaves_edges = all(getattr(encoder, "leaves_edges", False) for encoder in made if encoder.reach)
        self.own_statistics = any(getattr(encoder, "own_statistics", False) for encoder in made)
        learned = [any(True for _ in encoder.parameters()) for encoder in made]
        self.softer = [any(learned) and not own for own in learned]
        self.texts = texts
        self.join = Attention(self.widths, attention) if attention else None

    @property
    def widths(self) -> list[int]:
        """Of the parts. Raises SettingsError where one follows from what comes."""
        found = [width_of(self.encoders[place]) for place in self.places]
        if None in found:
            raise no_width("late", [text for text, own in zip(self.texts, found, strict=True) if own is None])
        return [own for own in found if own is not None]

    @property
    def width(self) -> int:
        """Raises SettingsError where that of a part follows from what comes."""
        return sum(self.widths) if self.join is None else len(self.join.ask)

    def forward(self, inputs: Inputs, edges: bool = True) -> Tensor:
        """edges  False leaves out `reach` pixels on every side."""
        seen = [self.seen(place, inputs, edges) for place in range(len(self.modalities))]
        space = space_of([features for features, _ in seen])
        features = [laid_out(one, space) for one, _ in seen]
        there = [laid_out(known, space) for _, known in seen]
        if self.training and self.dropout:
            stays = kept(len(features[0]), len(features), self.dropout, features[0])
            there = [one & stay.view(-1, *[1] * (one.dim() - 1)) for one, stay in zip(there, stays.T, strict=True)]
        if self.join is not None:
            return self.join(features, there)
        return torch.cat([torch.where(known, one, 0.0) for one, known in zip(features, there, strict=True)], 1)

    def seen(self, place: int, inputs: Inputs, edges: bool) -> tuple[Tensor, Tensor]:
        """Features of one modality, and where it isn't missing."""
        encoder, own = self.encoders[self.places[place]], of_modality(inputs, self.modalities[place])
        there = known(own["bands"])
        own["bands"] = filled(own["bands"])
        whole = edges or own["bands"].dim() != 4
        leaves = not whole and getattr(encoder, "leaves_edges", False)
        features = encoder(own, edges=False) if leaves else encoder(own)
        if features.dim() == 3:
            features = features.flatten(1)
        if features.dim() == 2:
            there = there.flatten(1).any(1, keepdim=True)
        elif not whole:
            features = cut(features, self.reach - int(encoder.reach) if leaves else self.reach)  # type: ignore[arg-type]
            there = cut(there, self.reach)
        return features / math.sqrt(features.shape[1]) if self.softer[self.places[place]] else features, there

    @torch.no_grad()
    def note(self, sets: list[Inputs]) -> None:
        """Let encoders note the statistics of what is trained on, where they do."""
        for number, encoder in enumerate(self.encoders):
            names = [name for name, place in zip(self.modalities, self.places, strict=True) if place == number]
            if hasattr(encoder, "note"):
                encoder.note([present(of_modality(inputs, name)) for name in names for inputs in sets])  # type: ignore[operator]


def present(own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The examples in which a modality isn't missing."""
    kept = known(own["bands"]).flatten(1).any(1)
    return {key: filled(values[kept]) for key, values in own.items()}


class Attention(nn.Module):
    """Features of modalities to one width, and their mean, weighed by a softmax over those that aren't missing."""

    def __init__(self, widths: list[int], width: int):
        super().__init__()
        self.to_width = nn.ModuleList(nn.Sequential(nn.Linear(own, width), nn.LayerNorm(width)) for own in widths)
        self.ask = nn.Parameter(torch.zeros(width))

    def forward(self, several: list[Tensor], there: list[Tensor]) -> Tensor:
        """[(n, width, ...)], [(n, 1, ...)] -> (n, width, ...); 0 where all are missing."""
        values = torch.stack([to(one.movedim(1, -1)) for to, one in zip(self.to_width, several, strict=True)])
        open_ = torch.stack([known.movedim(1, -1) for known in there])
        scores = (values @ self.ask)[..., None] / math.sqrt(len(self.ask))
        scores = torch.where(open_ | ~open_.any(0), scores, -torch.inf)
        return (scores.softmax(0) * open_ * values).sum(0).movedim(-1, 1)
