"""Readers of data sets on disk, by the name that recipes and the command line use. Nothing is ever downloaded."""

from __future__ import annotations

from ..errors import SettingsError, did_you_mean
from .dataset import DataSet
from .forest_damage import DATA as FOREST_DAMAGE

DATASETS: dict[str, DataSet] = {data.name: data for data in (FOREST_DAMAGE,)}


def find_data(name: str) -> DataSet:
    """The data set of that name. Raises SettingsError where there is none."""
    if name not in DATASETS:
        raise SettingsError(f"no data set is called '{name}'. {did_you_mean(name, list(DATASETS))}")
    return DATASETS[name]


__all__ = ["DATASETS", "DataSet", "find_data"]
