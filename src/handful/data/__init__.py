"""Readers of data sets on disk, by the name that recipes and the command line use. Nothing is ever downloaded."""

from __future__ import annotations

from ..errors import SettingsError, did_you_mean
from . import (
    ben_ge,
    cropharvest,
    deepglobe,
    dfc2020,
    eurosat,
    forest_damage,
    fss1000,
    mini_imagenet,
    sen12ms,
)
from .dataset import DataSet

DATASETS: dict[str, DataSet] = {
    data.name: data
    for data in (
        forest_damage.DATA,
        sen12ms.DATA,
        dfc2020.DATA,
        deepglobe.DATA,
        eurosat.RGB,
        eurosat.ALL_BANDS,
        ben_ge.DATA,
        cropharvest.DATA,
        mini_imagenet.DATA,
        fss1000.DATA,
    )
}


def register(data: DataSet) -> None:
    """Make a data set of a layer above known by its name."""
    DATASETS[data.name] = data


def find_data(name: str) -> DataSet:
    """The data set of that name. Raises SettingsError where there is none."""
    if name not in DATASETS:
        raise SettingsError(f"no data set is called '{name}'. {did_you_mean(name, list(DATASETS))}")
    return DATASETS[name]


__all__ = ["DATASETS", "DataSet", "find_data", "register"]
