"""Forest damage at unseen sites: every recipe of forest-damage trained without some groups, and scored on those.

python benchmarks/forest.py [--groups 0,2] [--work FOLDER] [--only ridge,random_forest]

Checkpoints and scores are kept in the work folder, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from pathlib import Path
from typing import Any

from common import HERE, data, page, run, table

from handful.bench.statistics import paired_interval, region_means

RECIPES = {
    "averaged_ridge": ("forest-damage.toml", "averaged ridge, meta-trained"),
    "ridge": ("forest-damage-ridge.toml", "ridge, meta-trained"),
    "protonet": ("forest-damage-protonet.toml", "protonet, meta-trained"),
    "maml": ("forest-damage-maml.toml", "maml, meta-trained"),
    "pooled": ("forest-damage-pooled.toml", "fine_tune, pooled regions"),
    "scratch": ("forest-damage-scratch.toml", "scratch, one model a site"),
}
PLAIN = {
    "random_forest": ("random_forest", "plain", "random forest on bands"),
    "random_forest_context": ("random_forest", "context", "random forest on context"),
    "extra_trees": ("extra_trees", "context", "extra trees on context"),
    "logistic": ("logistic", "context", "logistic on context"),
    "svm": ("svm", "context", "SVM on context"),
    "nearest_mean": ("nearest_mean", "plain", "nearest mean on bands"),
}
SHOTS = ("1", "5", "20")


class Sites:
    """The data set under a root of its own that holds the sites of some groups only: links, nothing is copied."""

    def __init__(self, root: Path, work: Path, groups: list[str]):
        self.root = work / f"sites-{'-'.join(groups)}"
        with open(root / "sites.csv", newline="", encoding="utf-8") as file:
            names = [row["id"] for row in csv.DictReader(file) if row["region12"] in groups]
        for folder in ("s2_2019", "s2_2020", "damage", "forest2022"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            for name in names:
                link = self.root / folder / f"{name}.tif"
                if not link.exists():
                    link.symlink_to(root / folder / f"{name}.tif")


def scores(what: str, args: argparse.Namespace, root: Path, sites: Path) -> tuple[str, dict[str, Any], float]:
    """The title of a method, its scores on the sites, and the seconds that its training took."""
    found = args.work / f"{what}-{'-'.join(args.groups)}.json"
    if what in PLAIN:
        name, encoder, title = PLAIN[what]
        if not found.exists():
            common = ["--data", "forest-damage", "--root", sites, "--json", found]
            run("evaluate", name, "--encoder", encoder, *common)
        return title, json.loads(found.read_text()), 0.0
    recipe, title = RECIPES[what]
    folder = args.work / f"{what}-{'-'.join(args.groups)}"
    if not (folder / "model.json").exists():
        run("train", HERE / recipe, "--root", root, "-o", folder, "--leave-out", ",".join(args.groups))
    if not found.exists():
        run("evaluate", folder, "--data", "forest-damage", "--root", sites, "--json", found)
    return title, json.loads(found.read_text()), json.loads((folder / "model.json").read_text())["seconds"]


def means(found: dict[str, Any], shots: str) -> dict[Any, float]:
    """The mean over draws of each site."""
    rows = [row for row in found["rows"] if row["shots"] == int(shots)]
    return region_means([row["site"] for row in rows], [row["balanced_accuracy"] for row in rows])


def cell(found: dict[str, Any], shots: str) -> str:
    score = found["shots"][shots]
    return f"{score['balanced_accuracy']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


def paired(ours: dict[str, Any], theirs: dict[str, Any], shots: str) -> str:
    gap = paired_interval(means(ours, shots), means(theirs, shots))
    return f"{gap.mean:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--groups", type=lambda s: s.split(","), default=["0", "2"])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "handful-forest-damage")
    parser.add_argument("--only", type=lambda s: s.split(","), default=[*RECIPES, *PLAIN])
    args, root = parser.parse_args(), data("forest-damage")
    sites = Sites(root, args.work, args.groups).root
    found = {}
    for what in args.only:
        found[what] = scores(what, args, root, sites)
        print(what, *(cell(found[what][1], k) for k in SHOTS), flush=True)
    head = ["", *(f"k = {k}" for k in SHOTS), "seconds to train"]
    lines = [[title, *(cell(s, k) for k in SHOTS), f"{t:.0f}" if t else ""] for title, s, t in found.values()]
    first, ours, _ = next(iter(found.values()))
    gaps = [[title, *(paired(ours, s, k) for k in SHOTS)] for title, s, _ in list(found.values())[1:]]
    counts = ", ".join(f"{ours['shots'][k]['sites']} at k = {k}" for k in SHOTS)
    said = (
        "Balanced accuracy by argmax on every labelled pixel that is not in the support, mean of five draws, then "
        f"over the sites of groups {' and '.join(args.groups)} of region12 ({counts}), with 95 % intervals over sites. "
        "Recipes were trained on sites of the other groups alone."
    )
    parts = [said, table(head, lines)]
    if gaps:
        parts += [f"## {first} less each, site by site", table(head[:-1], gaps)]
    page("forest-damage", "Forest damage at unseen sites, from k labels a class", *parts)


if __name__ == "__main__":
    main()
