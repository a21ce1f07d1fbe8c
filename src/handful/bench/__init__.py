"""The bench judges learners: scores, and intervals over regions."""

from ..data import register
from .own_regions import DATA as OWN_REGIONS

register(OWN_REGIONS)
