"""The table of computed spectra; tools/make_spectra.py says from which models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np


@dataclass(frozen=True)
class Table:
    """Reflectance spectra (n, wavelengths) from 0 to 1, each of a family such as `conifer` or `soil`."""

    wavelengths: np.ndarray
    reflectance: np.ndarray
    family: np.ndarray
    names: tuple[str, ...]

    def of(self, family: str) -> np.ndarray:
        """The spectra (m, wavelengths) of a family."""
        return self.reflectance[self.family == self.names.index(family)]

    def rows(self, family: str) -> np.ndarray:
        """Where the spectra of a family stand in the table (m,)."""
        return np.flatnonzero(self.family == self.names.index(family))


@cache
def table() -> Table:
    """The shipped table, read once."""
    with (files(__package__) / "spectra.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        reflectance = arrays["reflectance"].astype(np.float32)
        return Table(arrays["wavelengths"], reflectance, arrays["family"], tuple(arrays["names"].tolist()))
