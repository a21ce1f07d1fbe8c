"""Early fusion: all modalities stacked as the bands of one image, seen by one encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..task import Inputs
from .fused import no_width, part_encoder, width_of
from .modality import check_modality, filled, kept, of_modality, stack


class Early(nn.Module):
    """Every modality a band or several of one image; scalars and series are blown up to it.

    modalities  by name, as the inputs have them; `bands[12:14]` are some bands of one
    encoder     of the stack, its settings behind its name: "dense bands=15 width=32"
    dropout     the chance that a modality of an example is left out while training, so that the net can do without

    Missing values are 0. Features are dense or pooled as the encoder's are.
    """

    def __init__(
        self,
        modalities: tuple[str, ...] = ("bands",),
        encoder: str = "context windows=3,7,15",
        dropout: float = 0.0,
    ):
        super().__init__()
        for text in modalities:
            check_modality(text)
        self.modalities, self.dropout = tuple(modalities), dropout
        self.encoder = part_encoder("early", encoder)
        self.reach, self.leaves_edges = int(self.encoder.reach), getattr(self.encoder, "leaves_edges", False)  # type: ignore[arg-type]
        self.own_statistics = getattr(self.encoder, "own_statistics", False)
        self.text = encoder

    @property
    def width(self) -> int:
        """Raises SettingsError where it follows from what comes."""
        found = width_of(self.encoder)
        if found is None:
            raise no_width("early", [self.text])
        return found

    def stacked(self, inputs: Inputs) -> dict[str, Tensor]:
        """The inputs of the encoder."""
        several = [of_modality(inputs, name) for name in self.modalities]
        if self.training and self.dropout:
            several = self.thinned(several)
        bands = stack(several)
        count = len(bands.values)
        return {
            "bands": filled(bands.values),
            "wavelengths": bands.wavelengths.expand(count, -1),
            "dates": bands.dates.expand(count, -1),
        }

    def thinned(self, several: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
        """Modalities with some of them left out by chance."""
        first, thinned = several[0]["bands"], []
        for one, stay in zip(several, kept(len(first), len(several), self.dropout, first).T, strict=True):
            values = one["bands"]
            there = stay.view(-1, *[1] * (values.dim() - 1))
            thinned.append(one | {"bands": torch.where(there, values, torch.nan)})
        return thinned

    def note(self, sets: list[Inputs]) -> None:
        """Let the encoder note the statistics of what is trained on, where it does."""
        if hasattr(self.encoder, "note"):
            self.encoder.note([self.stacked(inputs) for inputs in sets])  # type: ignore[operator]

    def forward(self, inputs: Inputs, edges: bool = True) -> Tensor:
        """edges  False leaves out `reach` pixels on every side."""
        seen = self.stacked(inputs)
        return self.encoder(seen) if edges else self.encoder(seen, edges=False)
