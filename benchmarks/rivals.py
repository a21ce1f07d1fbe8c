"""What handful is compared with: scikit-learn on bands and their context, computed here and not by handful's maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

Array = np.ndarray
PAIRS = {"NDVI": (842, 665), "NDWI": (560, 842), "NDMI": (842, 1610), "NBR": (842, 2190), "NDSI": (560, 1610)}
MAKERS: Mapping[str, Callable[[int], object]] = {
    "random forest": lambda seed: RandomForestClassifier(300, class_weight="balanced", random_state=seed),
    "extra trees": lambda seed: ExtraTreesClassifier(300, class_weight="balanced", random_state=seed),
    "svm": lambda seed: make_pipeline(StandardScaler(), SVC(C=10, class_weight="balanced")),
    "logistic": lambda seed: make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000)
    ),
}


def scaled(model: object) -> object:
    return make_pipeline(StandardScaler(), model)


def around(maps: Array, sizes: tuple[int, ...]) -> Array:
    """(d, height, width) -> maps, and their mean and deviation in square windows."""
    parts = [maps]
    for size in sizes:
        means = np.stack([uniform_filter(m, size, mode="nearest") for m in maps])
        squares = np.stack([uniform_filter(m * m, size, mode="nearest") for m in maps])
        parts += [means, np.sqrt(np.clip(squares - means**2, 0, None))]
    return np.concatenate(parts)


def differences(bands: Array, wavelengths: Array) -> Array:
    """Five normalised differences (5, height, width) of a spectrum."""

    def of(wanted: int) -> Array:
        return bands[int(np.nanargmin(np.abs(wavelengths - wanted)))]

    return np.stack([(of(a) - of(b)) / np.maximum(np.abs(of(a) + of(b)), 1e-3) for a, b in PAIRS.values()])


def careful(bands: Array, wavelengths: Array, dates: Array) -> Array:
    """Bands and normalised differences of every date, and their change since the first."""
    stacks = [bands[dates == date] for date in np.unique(dates)]
    full = [
        np.concatenate([stack, differences(stack, wavelengths[dates == date])])
        for stack, date in zip(stacks, np.unique(dates), strict=True)
    ]
    return np.concatenate([*full, *(later - full[0] for later in full[1:])])


def probabilities(name: str, table: Array, chosen: Array, labels: Array, seed: int) -> Array:
    """(rows, features), the labelled rows and what they say -> (rows, classes)."""
    model = MAKERS[name](seed).fit(table[chosen], labels)  # type: ignore[attr-defined]
    if name != "svm":
        return model.predict_proba(table)
    scores = model.decision_function(table)
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)


def answers(
    bands: Array, wavelengths: Array, dates: Array, chosen: Array, labels: Array, seed: int
) -> Iterator[tuple[str, str, Array]]:
    """(rival, its configuration, class indices (height, width)) of every rival, from flat indices of labelled pixels.

    A rival with several configurations is reported as the best of them in hindsight.
    """
    shape = bands.shape[1:]
    plain = bands.reshape(len(bands), -1).T
    yield (
        "random forest on bands",
        "",
        probabilities("random forest", plain, chosen, labels, seed).argmax(1).reshape(shape),
    )
    table = around(bands, (3, 7)).reshape(len(bands) * 5, -1).T
    for name in ("random forest", "svm", "logistic"):
        found = probabilities(name, table, chosen, labels, seed)
        yield "3x3 and 7x7 context", name, found.argmax(1).reshape(shape)
    maps = around(careful(bands, wavelengths, dates), (3, 7, 15))
    table = maps.reshape(len(maps), -1).T
    for name in ("extra trees", "logistic"):
        found = probabilities(name, table, chosen, labels, seed).T.reshape(-1, *shape)
        for sigma in (2, 3, 4):
            smooth = np.stack([gaussian_filter(layer, sigma) for layer in found])
            yield "careful analyst", f"{name}, {sigma} px", smooth.argmax(0)
