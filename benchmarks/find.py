"""Show one, find all: forest damage at other sites, objects of new kinds on simulated scenes, and seconds a megapixel.

python benchmarks/find.py [--sites 12] [--scenes 40] [--shots 1,5,10] [--seeds 0,1,2] [--side 2000]
                          [--detectors matching,cosine,attention] [--work FOLDER]

Scores and base training are kept, so that an interrupted run goes on where it was. A part is left out with 0.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from common import HERE, Scores, page
from find_forest import forest_part
from find_objects import DETECTORS, objects_part
from find_speed import speed_part


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sites", type=int, default=12, help="sites whose damage is shown, one after the other")
    parser.add_argument("--others", type=int, default=5, help="sites in which it is looked for, for each")
    parser.add_argument("--scenes", type=int, default=40, help="simulated scenes that are searched, for each kind")
    parser.add_argument("--shots", type=lambda s: [int(k) for k in s.split(",")], default=[1, 5, 10])
    parser.add_argument("--seeds", type=lambda s: [int(k) for k in s.split(",")], default=[0, 1, 2])
    parser.add_argument("--detectors", type=lambda s: s.split(","), default=list(DETECTORS))
    parser.add_argument("--steps", type=int, default=0, help="of base training, where not those of `handful find`")
    parser.add_argument("--base-scenes", type=int, default=0, help="that base training draws from, likewise")
    parser.add_argument("--side", type=int, default=2000, help="pixels of the scene that is timed")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "handful-find")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    scores = Scores(HERE / "find.csv")
    parts = []
    if args.sites:
        parts += forest_part(args.sites, args.others, args.work, scores)
    if args.scenes:
        base = (args.steps, args.base_scenes)
        parts += objects_part(args.scenes, args.shots, args.seeds, args.detectors, base, args.work, scores)
    if args.side:
        parts += speed_part(args.side, args.work)
    page("find", "Show one, find all", *parts)


if __name__ == "__main__":
    main()
