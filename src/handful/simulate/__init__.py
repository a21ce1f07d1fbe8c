"""Land-cover regions made by physics, from which learners are meta-trained."""

from .regions import region, regions

__all__ = ["region", "regions"]
