"""Features that are computed once: the same scores as on the encoder itself, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from small_bench import MOISTURE, registered, table_site, tables

from handful.bench.features import Features
from handful.bench.protocol import protocol_of
from handful.cli.bench import command
from handful.errors import SettingsError

PROTOCOL = """
rivals = false
[data]
name = "made-up"
test = 5
validation = 3
{features}
[tasks]
shots = [1, 2]
ways = 3
count = 6
queries = 4
[[learners]]
name = "nearest_mean"
encoder = "{bare}"
[[learners]]
name = "protonet"
encoder = "{learned}"
train = {{ steps = 4, tasks_per_step = 1, validate_every = 2, shots = [1, 1], queries = 2 }}
"""


def scores(folder: Path, bare: str, learned: str, features: str = "") -> pd.DataFrame:
    folder.mkdir()
    (folder / "protocol.toml").write_text(PROTOCOL.format(bare=bare, learned=learned, features=features))
    words = [str(folder / "protocol.toml"), "--root", str(folder), "-o", str(folder / "out"), "--workers", "1"]
    with registered("images"):
        assert CliRunner().invoke(command, words, catch_exceptions=False).exit_code == 0
    return pd.read_csv(folder / "out" / "scores.csv")


def test_scores_are_those_of_the_encoder_itself(tmp_path: Path) -> None:
    once = scores(tmp_path / "once", "plain", "table", 'features = "image statistics"')
    each = scores(tmp_path / "each", "statistics", "conv4")
    bare = [of[of["learner"] == "nearest_mean"].drop(columns="learner").reset_index(drop=True) for of in (once, each)]
    pd.testing.assert_frame_equal(*bare)
    assert set(once["learner"]) == {"nearest_mean", "protonet"}


def test_features_are_refused_where_they_are_not_known_or_not_of_images() -> None:
    with registered("images"), pytest.raises(SettingsError, match="nothing is called 'image statistic'. Did you mean"):
        protocol_of(tables(data={"name": "made-up", "features": "image statistic"}))
    with pytest.raises(SettingsError, match="are of images with one answer each"):
        Features("image statistics")(table_site("a", MOISTURE))
