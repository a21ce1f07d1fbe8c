"""Map a scene from a few labelled points.

python examples/map_from_python.py [SCENE.tif LABELS.gpkg CLASS_COLUMN]

Without arguments a scene is simulated and written to a temporary folder first.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import handful
from handful.maps.demo_scene import write_demo
from handful.simulate import region


def main(scene, labels, class_column="class"):
    mapper = handful.Mapper(class_column=class_column, seed=0).fit(scene, labels)
    for kind, score in mapper.report["validation"].items():
        print(f"{kind:>8} folds: balanced accuracy {score['balanced_accuracy']:.2f}")
    print(mapper.report["worth"])

    found = mapper.predict(scene)  # the scene of the labels, or any other with the same bands
    for value, name in enumerate(found.classes, start=1):
        chosen = found.values == value
        if chosen.any():
            print(
                f"{name:>20}: {chosen.mean():6.1%} of the scene, mean confidence {found.confidence[chosen].mean():.2f}"
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(*sys.argv[1:])
    else:
        with TemporaryDirectory() as folder:
            files = write_demo(region(3, size=96), Path(folder), shots=5, test=20, seed=0)
            main(files.scenes[0], files.labels)
