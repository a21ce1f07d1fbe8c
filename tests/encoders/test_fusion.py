"""Fusion of modalities: stacked, each by itself, joined by attention, and what happens where one is missing."""

from __future__ import annotations

import conventions
import pytest
import torch

from handful.encoders import make_encoder
from handful.encoders.modality import of_modality
from handful.errors import SettingsError, TaskError
from handful.learners import LEARNERS, make
from handful.meta_train import Training, meta_train
from handful.problem import Classes
from handful.task import Examples, Inputs, Task

WAVES = (490.0, 665.0, 842.0)
LATE = ("bands context windows=3", "radar dense bands=2 width=8 blocks=1 windows=3", "season plain")


def inputs(count: int = 3, side: int = 12, seed: int = 0) -> dict[str, torch.Tensor]:
    """Optical images, radar images, two scalars and a series."""
    draw = torch.Generator().manual_seed(seed)
    return {
        "bands": torch.rand(count, 3, side, side, generator=draw),
        "wavelengths": torch.tensor(WAVES).expand(count, -1),
        "dates": torch.zeros(count, 3, dtype=torch.long),
        "radar": torch.randn(count, 2, side, side, generator=draw),
        "season": torch.randn(count, 2, generator=draw),
        "rain": torch.randn(count, 1, 4, generator=draw),
    }


def late(parts: tuple[str, ...] = LATE, **more: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return make_encoder("late", {"parts": parts, **more}).eval()


def without(seen: dict[str, torch.Tensor], name: str, examples: slice = slice(None)) -> dict[str, torch.Tensor]:
    gone = seen[name].clone()
    gone[examples] = torch.nan
    return seen | {name: gone}


def test_early_is_the_encoder_on_the_stack() -> None:
    seen = inputs()
    found = make_encoder("early", {"modalities": ("radar", "season", "rain"), "encoder": "context windows=3"})(seen)
    flat = torch.cat([seen["season"], seen["rain"][:, 0]], 1)[:, :, None, None].expand(-1, -1, 12, 12)
    wanted = make_encoder("context", {"windows": (3,)})(torch.cat([seen["radar"], flat], 1))
    torch.testing.assert_close(found, wanted)


def test_early_keeps_wavelengths_and_counts_on_with_dates() -> None:
    seen = inputs() | {"later": torch.rand(3, 3, 12, 12)}
    seen |= {"later.wavelengths": seen["wavelengths"], "later.dates": seen["dates"]}
    stack = make_encoder("early", {"modalities": ("bands", "radar", "later")}).stacked(seen)
    assert stack["dates"][0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert stack["wavelengths"][0].isfinite().tolist() == [True] * 3 + [False] * 2 + [True] * 3


def test_early_of_scalars_alone_is_a_table() -> None:
    seen = inputs()
    found = make_encoder("early", {"modalities": ("season", "rain"), "encoder": "table bands=6 width=5"})(seen)
    assert found.shape == (3, 5)


def test_late_puts_the_parts_side_by_side() -> None:
    encoder, seen = late(), inputs()
    found = encoder(seen)
    context = make_encoder("context", {"windows": (3,)})(of_modality(seen, "bands"))
    radar = encoder.encoders[1](seen["radar"])
    season = seen["season"][:, :, None, None].expand(-1, -1, 12, 12)
    wanted = [context / context.shape[1] ** 0.5, radar, season / 2**0.5]  # fixed features on the scale of learned ones
    torch.testing.assert_close(found, torch.cat(wanted, 1))


def test_pooled_parts_give_a_row_an_image() -> None:
    encoder = late(("bands conv4 bands=3 width=4", "radar statistics", "rain plain"))
    assert encoder(inputs())[:, -4:].shape == (3, 4) and encoder(inputs()).dim() == 2


def test_bands_of_a_stack_are_modalities_too() -> None:
    seen = inputs()
    stacked = {"bands": torch.cat([seen["bands"], seen["radar"]], 1)}
    apart = late(("bands[:3] plain", "bands[3:5] context windows=3"))(stacked)
    torch.testing.assert_close(
        apart, late(("bands plain", "radar context windows=3"))({k: seen[k] for k in ("bands", "radar")})
    )
    with pytest.raises(TaskError, match="are no bands"):
        late(("bands[7:] plain",))(stacked)


def test_what_changed_is_a_modality_too() -> None:
    """Band by band, early and late, with the wavelengths of the later; unknown where one of the two is."""
    seen = inputs() | {"later": inputs(seed=1)["bands"]}
    change = seen["later"] - seen["bands"]
    text = "later[:]-bands[:]"
    torch.testing.assert_close(late((f"{text} plain", "radar plain"))(seen)[:, :3], change)
    found = make_encoder("early", {"modalities": ("bands[1:]", "bands[:2]-bands[1:]"), "encoder": "plain"})
    torch.testing.assert_close(found(seen)[:, 2:], seen["bands"][:, :2] - seen["bands"][:, 1:])
    told = found.stacked(seen)
    assert told["wavelengths"][0].tolist() == [665.0, 842.0, 490.0, 665.0] and told["dates"][0].tolist() == [0, 0, 1, 1]
    gone = late((f"{text} plain",))(without(seen, "later", slice(1, 2)))
    assert bool((gone[1] == 0).all()) and bool((gone[0] != 0).any())
    with pytest.raises(TaskError, match="is no difference"):
        late(("bands[:2]-radar[:1] plain",))(seen)
    with pytest.raises(SettingsError, match="names no modality"):
        late(("bands-radar[:1]-x plain",))


def test_a_missing_modality_says_nothing_and_changes_no_other() -> None:
    encoder, seen = late(), inputs()
    whole, part = encoder(seen), encoder(without(seen, "radar", slice(1, 2)))
    radar = slice(whole.shape[1] - 2 - encoder.encoders[1].width, whole.shape[1] - 2)
    assert bool((part[1, radar] == 0).all()) and bool((whole[1, radar] != 0).any())
    torch.testing.assert_close(part[[0, 2]], whole[[0, 2]])
    others = [i for i in range(whole.shape[1]) if not radar.start <= i < radar.stop]
    torch.testing.assert_close(part[1, others], whole[1, others])


def test_missing_pixels_are_missing_there_alone() -> None:
    encoder, seen = late(("bands plain", "radar plain")), inputs()
    gone = seen | {"radar": seen["radar"].clone()}
    gone["radar"][:, :, 3, 4] = torch.nan
    found, whole = encoder(gone), encoder(seen)
    assert bool((found[:, 3:, 3, 4] == 0).all())
    changed = (found != whole).any(1).any(0).nonzero().tolist()
    assert changed == [[3, 4]]


ATTENDED = ("bands dense bands=3 width=6 blocks=1 windows=3", "radar dense bands=2 width=8 blocks=1 windows=3")


def test_attention_leaves_out_what_is_missing() -> None:
    encoder, seen = late(ATTENDED, attention=5), inputs()
    torch.nn.init.normal_(encoder.join.ask)
    assert encoder.width == 5 and encoder(seen).shape == (3, 5, 12, 12)
    alone = encoder.join.to_width[0](encoder.encoders[0](of_modality(seen, "bands")).movedim(1, -1)).movedim(-1, 1)
    torch.testing.assert_close(encoder(without(seen, "radar")), alone)
    everything = without(without(seen, "radar"), "bands")
    assert bool((encoder(everything) == 0).all())
    encoder(everything).square().sum().backward()
    assert all(bool(w.grad.isfinite().all()) for w in encoder.parameters() if w.grad is not None)


def test_attention_is_a_mean_where_nothing_was_asked() -> None:
    encoder, seen = late(ATTENDED, attention=5), inputs()
    apart = [encoder(without(seen, name)) for name in ("radar", "bands")]
    torch.testing.assert_close(encoder(seen), (apart[0] + apart[1]) / 2)


def test_shared_weights_are_one_encoder() -> None:
    parts = ("bands[:2] dense bands=2 width=4", "radar dense bands=2 width=4")
    apart, shared = (sum(w.numel() for w in late(parts, shared=x).parameters()) for x in (False, True))
    assert apart == 2 * shared
    encoder, seen = late(parts, shared=True), inputs()
    wanted = [encoder.encoders[0](values) for values in (seen["bands"][:, :2], seen["radar"])]
    torch.testing.assert_close(encoder(seen), torch.cat(wanted, 1))
    assert encoder.width == encoder(seen).shape[1]
    with pytest.raises(SettingsError, match="shares one encoder"):
        late(LATE, shared=True)


@pytest.mark.parametrize("name", ["early", "late"])
def test_tables_are_scaled_by_what_is_there(name: str) -> None:
    """A learner gathers mean and deviation of the examples that have a modality."""
    draw = torch.Generator().manual_seed(0)
    seen = {"bands": torch.randn(50, 3, generator=draw), "radar": 7 + 2 * torch.randn(50, 3, generator=draw)}
    gone = without(seen, "radar", slice(0, 20))
    if name == "early":
        settings = {"modalities": ("bands", "radar"), "encoder": "table bands=6 width=4"}
        encoder = make_encoder(name, settings)
        encoder.note([seen])
        mean = encoder.encoder.mean[3:]
        torch.testing.assert_close(mean, seen["radar"].mean(0))
        return
    encoder = late(("bands table bands=3 width=4", "radar table bands=3 width=4"))
    encoder.note([gone])
    torch.testing.assert_close(encoder.encoders[1].mean, seen["radar"][20:].mean(0))


@pytest.mark.parametrize("name", ["early", "late"])
def test_dropout_leaves_out_modalities_while_training_alone(name: str) -> None:
    settings = {"parts": ("radar plain", "season plain")} if name == "late" else {"modalities": ("radar", "season")}
    settings |= {"encoder": "plain"} if name == "early" else {}
    encoder, seen = make_encoder(name, {**settings, "dropout": 0.5}), inputs(count=200, side=1)
    torch.testing.assert_close(encoder.eval()(seen), encoder(seen))
    torch.manual_seed(3)
    found = encoder.train()(seen).flatten(1)
    gone = torch.stack([(found[:, part] == 0).all(1) for part in (slice(0, 2), slice(2, 4))])
    assert not bool(gone.all(0).any())  # one is always left
    assert bool(((gone.float().mean(1) - 0.25).abs() < 0.1).all())  # gone, and the other is not: 0.5 * 0.5
    torch.manual_seed(3)
    torch.testing.assert_close(encoder(seen).flatten(1), found)


def test_a_learned_encoder_does_without_after_training_with_dropout() -> None:
    """Both modalities tell the class; one of them is enough."""
    problem = Classes(("no", "yes"))

    def task(seed: int) -> Task:
        def some(draw: torch.Generator) -> Examples:
            targets = torch.arange(12) % 2
            rows = [torch.randn(12, 3, generator=draw) + 2.0 * (2 * targets[:, None] - 1) for _ in range(2)]
            return Examples({"bands": rows[0], "radar": rows[1]}, targets, problem)

        draw = torch.Generator().manual_seed(seed)
        return Task(some(draw), some(draw))

    settings = {"parts": ("bands table bands=3 width=8", "radar table bands=3 width=8"), "dropout": 0.3}
    learner = make("protonet", encoder="late", encoder_settings=settings)
    meta_train(learner, lambda step: [task(step)], Training(steps=30))
    held = task(5000)
    for name in ("bands", "radar"):
        seen: Inputs = without(dict(held.query.inputs), name)  # type: ignore[arg-type]
        right = (learner.adapt(held.support).predict(seen) == held.query.targets).float().mean()
        assert right > 0.8


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("late", {"parts": ("radar",)}, "modality and encoder"),
        ("late", {"parts": ("radar contxt",)}, "Did you mean context"),
        ("late", {"parts": ("radar context windows=4",)}, "odd whole numbers"),
        ("late", {"parts": ("radar context windows",)}, "is no setting"),
        ("late", {"parts": ("radar late",)}, "can't have 'late'"),
        ("late", {"parts": ("ra/dar plain",)}, "names no modality"),
        ("late", {"parts": ("radar context",), "attention": 8}, "no width before"),
        ("late", {"parts": LATE, "dropout": 1.0}, "below 1"),
        ("early", {"encoder": ""}, "no encoder is called"),
        ("early", {"encoder": 3}, "give a word"),
    ],
)
def test_settings_are_checked(name: str, settings: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        make_encoder(name, settings)


def test_inputs_are_checked() -> None:
    seen = inputs()
    with pytest.raises(TaskError, match="no modality 'dem' but bands, radar, season, rain"):
        late(("dem plain",))(seen)
    with pytest.raises(TaskError, match="bring them to one grid"):
        late(("bands plain", "radar plain"))(seen | {"radar": torch.rand(3, 2, 6, 6)})


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_learns_from_modalities_some_of_which_are_missing(name: str) -> None:
    """It adapts, again to the same, and while it trains its loss has slopes."""
    kind = ("classes of pixels", "classes of images")[list(LEARNERS).index(name) % 2]
    kind = kind if Classes in conventions.small(name, kind).problems else kind.replace("classes", "quantity")
    shape = "conv4 bands=2 width=4" if "images" in kind else "dense bands=2 width=6 blocks=1 windows=3"
    settings = {"parts": (f"bands[:2] {shape}", f"radar {shape}"), "dropout": 0.2}
    try:
        learner = make(name, encoder="late", encoder_settings=settings, outputs=3)
    except SettingsError as why:  # it needs maps of one encoder, and says so
        assert "encoder 'late' has none: take" in str(why)
        return

    def some(seed: int) -> Examples:
        plain = conventions.examples(kind, seed, height=10)
        assert isinstance(plain.inputs, torch.Tensor)
        radar = plain.inputs[:, 2:].clone()
        radar[0] = torch.nan
        return Examples({"bands": plain.inputs[:, :2], "radar": radar}, plain.targets, plain.problem)

    support = some(0)
    answers = [learner.adapt(support).outputs(support.inputs).mean for _ in range(2)]
    assert torch.equal(*answers) and bool(answers[0].isfinite().all())
    if any(w.requires_grad for w in learner.net.parameters()):
        learner.net.train()
        learner.task_loss(Task(support, some(1))).backward()
        assert all(bool(w.grad.isfinite().all()) for w in learner.net.parameters() if w.grad is not None)
