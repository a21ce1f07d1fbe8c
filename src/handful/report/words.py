"""What the figures of a run mean, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Run = Mapping[str, Any]
FEW = 5  # labels of a class below which its share right isn't worth a sentence
BINS = 15  # of the calibration error
BY_CHANCE = 0.08  # calibration error of perfect confidence beyond which a measured one says nothing
FOLDS = {
    "matched": "Held back as far from other labels as the map’s pixels are.",
    "block": "Whole areas held back: how the map might do in a place that nobody labelled.",
    "random": "Single labels held back at random. Neighbours look alike, so this flatters.",
}


class Metric(NamedTuple):
    """A score: its key in the run, its name, how to write it, and whether more is better."""

    key: str
    name: str
    share: bool = True
    more_is_better: bool = True
    unit: str = ""

    def text(self, value: float | None) -> str:
        if value is None or value != value:
            return "–"
        return f"{100 * value:.0f} %" if self.share else measured(value, self.unit)

    def interval(self, scores: Run | None) -> str:
        """The interval of a score, without repeating its unit; empty where it has none."""
        low, high = (scores or {}).get("low"), (scores or {}).get("high")
        if low is None or high is None or low != low or high != high:
            return ""
        return f"{self.text(low).removesuffix(' %').removesuffix(' ' + self.unit or ' ')} to {self.text(high)}"


def metric(run: Run) -> Metric:
    """The score that this run is judged by: the balanced accuracy, or a quantity's error or R²."""
    scored = [*(run.get("candidates") or []), *(run.get("validation") or {}).values(), run.get("test") or {}]
    if run.get("kind") != "quantity":
        return Metric("balanced_accuracy", "balanced accuracy")
    if any("rmse" in scores for scores in scored if scores) or not any("r2" in scores for scores in scored if scores):
        return Metric("rmse", "root mean square error", False, False, (run.get("quantity") or {}).get("unit") or "")
    return Metric("r2", "R²", False)


def judged(run: Run) -> tuple[str, Run] | None:
    """What the map is to be judged by, and the scores: independent labels, else the strictest folds there are."""
    scores = {"test": run.get("test"), **(run.get("validation") or {})}
    key = metric(run).key
    for kind in ("test", "matched", "block", "random"):
        found = scores.get(kind) or {}
        if found.get(key) is not None:
            return kind, found
    return None


def headline(run: Run) -> str:
    """Whether the map can be used, in a few words, judged by the lower end of the interval above chance."""
    found = judged(run)
    if run.get("command") == "apply":
        return "A map from borrowed labels"
    if run.get("kind") == "quantity":
        return "How far to trust these values" if found else "A map whose error nobody could measure yet"
    if found is None:
        return "A map that could not be tested yet"
    _, scores = found
    low = scores["low"] if scores.get("low") is not None else scores["balanced_accuracy"]
    chance = 1 / max(len(run.get("classes") or []), 2)
    skill = (low - chance) / (1 - chance)
    steps = ((0.75, "A map to work with"), (0.5, "A useful first map"), (0.25, "A rough sketch"))
    return next((words for least, words in steps if skill >= least), "Not yet a map to rely on")


def verdict(run: Run) -> list[str]:
    """How good the map is, where not to trust it, and whether the better model was worth it."""
    return [sentence for sentence in (_quality(run), _weakest(run), _reach(run), _fusion(run), _worth(run)) if sentence]


def _fusion(run: Run) -> str:
    """What was used of what lay beside the scene."""
    names = [str(other["name"]) for other in run.get("others") or []]
    if not names:
        return ""
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    way = {"early": "stacked with its bands", "late": "each read by itself"}.get(run.get("fusion") or "")
    if way is None:
        return f"The map is of the scene alone: with {listed} it was not better beyond doubt."
    return f"The map was made with {listed} beside the scene ({way})."


def _worth(run: Run) -> str:
    return str(run.get("worth") or "").replace("'", "’")


def coordinates(run: Run) -> str:
    """What the coordinates of a map are in, to be said beside them."""
    crs = run.get("crs")
    if not crs:
        return "x and y are column and row: the scene has no georeference."
    return f"x and y are in {crs if len(crs) < 40 else 'the CRS of the scene'}."


def _quality(run: Run) -> str:
    found, score = judged(run), metric(run)
    if run.get("command") == "apply":
        return "The model was fitted to labels of another scene, and nobody has checked it in this one."
    if found is None:
        return "There were too few labels to hold some back, so nothing here says how often the map is right."
    kind, scores = found
    how = {
        "test": "judged on independent labels that no model had seen",
        "matched": "judged on labels held back as far from the others as the map’s pixels are",
        "block": "judged on whole areas held back",
        "random": "judged on single labels held back at random, which flatters",
    }[kind]
    value, interval = score.text(scores[score.key]), score.interval(scores)
    between = f" (likely {interval})" if interval else ""
    if score.key == "balanced_accuracy":
        return f"Expect about {value} of the pixels of an average class to be mapped right{between}, {how}."
    if score.key == "rmse":
        return f"Expect values to be off by about {value}{between}, {how}."
    return f"The map explains {100 * scores['r2']:.0f} % of what varies between labels, {how}."


def _weakest(run: Run) -> str:
    """The class with the lowest share right, among those with labels enough to say so; by independent labels if any."""
    confusion = (run.get("test") or {}).get("confusion") or run.get("confusion") or []
    classes = run.get("classes") or []
    rows = [(row[i] / sum(row), i) for i, row in enumerate(confusion) if sum(row) >= FEW]
    if len(rows) < 2 or len(classes) < len(confusion):
        return ""
    right, worst = min(rows)
    wrong = [0 if i == worst else count for i, count in enumerate(confusion[worst])]
    if right > 0.95:
        return ""
    instead = classes[max(range(len(wrong)), key=wrong.__getitem__)]
    return (
        f"The weakest class is {quoted(classes[worst])}: {100 * right:.0f} % of its labels came out right, "
        f"and it is most often taken for {quoted(instead)}."
    )


def _reach(run: Run) -> str:
    inside = (run.get("applicability") or {}).get("share_inside")
    if inside is None:
        return ""
    outside = 100 * (1 - inside)
    if outside < 0.5:
        return "Nearly all of the map looks like places that were labelled."
    return (
        f"About {outside:.0f} % of the map looks unlike anything that was labelled: don’t rely on it there "
        "(the trust picture shows where)."
    )


def sureness(run: Run) -> str:
    """What the confidence is the probability of, and whether it was tested."""
    if run.get("command") == "apply":
        return f"{_sure_of(run)}, as it was learned in the other scene; nobody has tested it in this one."
    if judged(run) is None:
        return f"{_sure_of(run)}, as the model says; there were too few labels to test it."
    return f"{_sure_of(run)}, as far as the labels can tell. {kept_word(run)}".rstrip()


def _sure_of(run: Run) -> str:
    if run.get("kind") != "quantity":
        return "the probability that a pixel is right"
    small = (run.get("calibration") or {}).get("tolerance")
    if small is None:
        return "the probability that a pixel’s error is no larger than usual at the labels"
    return f"the probability that a pixel’s error is at most {measured(small, (run.get('quantity') or {}).get('unit'))}"


def measured(value: float, unit: str | None) -> str:
    """A value of a quantity in its unit.

    >>> measured(195.7445, "m")
    '196 m'
    """
    return f"{value:.3g} {unit or ''}".rstrip()


def kept_word(run: Run) -> str:
    """How far stated confidence lies from the share that was right, where there are labels enough to tell.

    Even perfect confidence seems off by about sqrt(15 bins / labels) / 3 (see `handful.trust.scores.ece`).
    """
    off, labels = (run.get("calibration") or {}).get("ece_after"), labels_said(run.get("labels") or [])
    if off is None or not labels:
        return ""
    if (BINS / labels) ** 0.5 / 3 > BY_CHANCE:
        return "There are too few labels to measure how well it keeps its word."
    return f"Stated and true shares differ by {100 * off:.1f} points on average."


def quoted(name: str, most: int = 40) -> str:
    """The name in quotation marks, kept apart from the sentence's direction of writing (U+2068 to U+2069)."""
    return f"“\u2068{short(name, most)}\u2069”"


def short(name: str, most: int = 40) -> str:
    """The name, cut with an ellipsis where it is longer than `most` characters."""
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"


def count(number: float) -> str:
    """A whole number with thin spaces between thousands.

    >>> count(1234567).replace("\\u202f", " ")
    '1 234 567'
    """
    return f"{number:,.0f}".replace(",", "\u202f")


def spent(seconds: float | None) -> str:
    """A short time, from milliseconds on.

    >>> spent(0.0123), spent(3.2), spent(None)
    ('12 ms', '3.2 s', '–')
    """
    if seconds is None or seconds != seconds or seconds <= 0:
        return "–"
    if seconds < 1:
        return f"{1000 * seconds:.2g} ms" if seconds < 0.1 else f"{1000 * seconds:.0f} ms"
    return f"{seconds:.2g} s" if seconds < 10 else duration(seconds)


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(0.42), duration(75), duration(4000)
    ('0.4 s', '1 min 15 s', '1 h 6 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def distance(metres: float | None) -> str:
    """A distance in metres or kilometres, to two or three digits."""
    if metres is None or metres != metres:
        return "–"
    return f"{metres / 1000:.3g} km" if metres >= 1000 else f"{metres:.3g} m"


def labels_said(counts: Mapping[str, float] | Sequence[float]) -> float:
    """How many labels there are in all."""
    return sum(counts.values() if isinstance(counts, Mapping) else counts)
