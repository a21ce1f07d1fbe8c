"""Readers of data sets on disk, by the name that recipes and the command line use. Nothing is ever downloaded."""

from __future__ import annotations

from ..errors import SettingsError, did_you_mean
from . import (
    algae_blooms,
    amazon_forest,
    ben_ge,
    crop_mask_africa,
    crop_types_central_asia,
    cropharvest,
    deepglobe,
    dfc2020,
    dior,
    dota,
    eurosat,
    forest_damage,
    fss1000,
    fuel_moisture,
    land_cover_lesotho,
    mini_imagenet,
    nwpu_vhr10,
    omniglot,
    scene_classes,
    seagrass_pacific,
    sen12ms,
    sen12ms_rgb,
)
from .dataset import DataSet
from .detection import DetectionSet, unknown

DATASETS: dict[str, DataSet] = {
    data.name: data
    for data in (
        forest_damage.DATA,
        amazon_forest.DATA,
        sen12ms_rgb.DATA,
        scene_classes.UCMERCED,
        scene_classes.AID,
        omniglot.DATA,
        omniglot.ROTATIONS,
        crop_mask_africa.DATA,
        crop_types_central_asia.DATA,
        land_cover_lesotho.DATA,
        seagrass_pacific.DATA,
        fuel_moisture.DATA,
        algae_blooms.DATA,
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

# Scenes with objects: no tasks are drawn from them, things are found in them.
DETECTION: dict[str, DetectionSet] = {data.name: data for data in (dota.DATA, dior.DATA, nwpu_vhr10.DATA)}


def register(data: DataSet) -> None:
    """Make a data set of a layer above known by its name."""
    DATASETS[data.name] = data


def find_data(name: str) -> DataSet:
    """The data set of that name. Raises SettingsError where there is none."""
    if name not in DATASETS:
        raise SettingsError(f"no data set is called '{name}'. {did_you_mean(name, list(DATASETS))}")
    return DATASETS[name]


def find_detection(name: str) -> DetectionSet:
    """The data set with objects of that name. Raises SettingsError where there is none."""
    if name not in DETECTION:
        raise unknown(name, DETECTION)
    return DETECTION[name]


__all__ = ["DATASETS", "DETECTION", "DataSet", "DetectionSet", "find_data", "find_detection", "register"]
