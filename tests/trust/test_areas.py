import numpy as np
import pytest

from handful.errors import LabelsError
from handful.trust.areas import estimate_areas, sample_size

# The worked example of Olofsson et al. 2014, section 5: deforestation, forest gain, stable forest, stable non-forest
SAMPLE = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]).T  # here the ground in rows
HECTARES = np.array([200_000, 150_000, 3_200_000, 6_450_000]) * 0.09


def test_the_published_example():
    areas = estimate_areas(SAMPLE, HECTARES)
    assert areas.overall.value == pytest.approx(0.95, abs=0.005)
    assert areas.overall.value - areas.overall.low == pytest.approx(0.02, abs=0.005)
    np.testing.assert_allclose(areas.users.value, [0.88, 0.73, 0.93, 0.96], atol=0.005)
    np.testing.assert_allclose(1.96 * areas.users.error, [0.07, 0.10, 0.04, 0.02], atol=0.005)
    np.testing.assert_allclose(areas.producers.value, [0.75, 0.85, 0.93, 0.96], atol=0.005)
    assert 1.96 * areas.producers.error[0] == pytest.approx(0.21, abs=0.005)
    np.testing.assert_allclose(areas.area.value, [21_158, 11_686, 285_770, 581_386], atol=1)
    np.testing.assert_allclose(1.96 * areas.area.error, [6_158, 3_756, 15_510, 16_282], atol=2)


def test_producers_errors_are_those_of_the_ratio_estimator():
    """The delta method's variance of N_jj / N_.j over multinomial samples in each mapped class, done numerically."""
    areas, counts, share = estimate_areas(SAMPLE, HECTARES), SAMPLE.T, HECTARES / HECTARES.sum()
    row = counts / counts.sum(1, keepdims=True)

    def producers(row):
        return np.diag(share[:, None] * row) / (share @ row)

    variance, step = np.zeros(4), 1e-6
    for stratum, chances in enumerate(row):
        slope = np.empty((4, 4))
        for cell in range(4):
            moved = row.copy()
            moved[stratum, cell] += step
            slope[cell] = (producers(moved) - producers(row)) / step
        covariance = (np.diag(chances) - np.outer(chances, chances)) / (counts[stratum].sum() - 1)
        variance += np.einsum("ic,ij,jc->c", slope, covariance, slope)
    np.testing.assert_allclose(areas.producers.error, np.sqrt(variance), rtol=1e-4)


def test_areas_add_up_and_a_perfect_sample_gives_the_maps_areas():
    assert estimate_areas(SAMPLE, HECTARES).area.value.sum() == pytest.approx(HECTARES.sum())
    perfect = estimate_areas(np.diag([10, 10, 10, 10]), HECTARES)
    np.testing.assert_allclose(perfect.area.value, HECTARES)
    assert perfect.overall.value == 1 and perfect.overall.error == 0


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(0)
    mapped = np.array([0.1, 0.3, 0.6])
    on_ground = np.array([[0.8, 0.1, 0.1], [0.05, 0.9, 0.05], [0.02, 0.08, 0.9]])  # rows: mapped as
    truth = mapped @ on_ground
    covered = np.zeros(3)
    for _ in range(300):
        table = np.stack([rng.multinomial(100, row) for row in on_ground]).T
        area = estimate_areas(table, mapped).area
        covered += (area.low <= truth) & (truth <= area.high)
    assert (covered / 300 > 0.87).all()


def test_a_class_that_is_not_mapped_but_found_on_the_ground():
    table = np.array([[40, 5, 0], [3, 50, 0], [2, 1, 0]])
    areas = estimate_areas(table, np.array([100.0, 200.0, 0.0]))
    assert np.isnan(areas.users.value[2]) and areas.producers.value[2] == 0
    assert areas.area.value[2] > 0


def test_a_mapped_class_without_a_sample_is_refused_by_name():
    with pytest.raises(LabelsError, match="snow"):
        estimate_areas(np.diag([10, 1]), np.array([5.0, 5.0]), names=("forest", "snow"))


def test_the_published_sample_size():
    users = np.array([0.7, 0.6, 0.9, 0.95])
    assert sample_size(HECTARES, users) == 641
