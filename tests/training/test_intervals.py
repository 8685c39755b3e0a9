"""Intervals of means are those of Student's t, and cover what they say."""

import numpy as np
import pytest

from training import intervals

# Tables of Student's t, two-sided 95 %.
TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 7: 2.365, 15: 2.131, 19: 2.093, 30: 2.042,
         60: 2.000, 120: 1.980, 4095: 1.961}  # fmt: skip


@pytest.mark.parametrize(("freedom", "value"), TABLE.items())
def test_quantiles_are_those_of_the_tables(freedom, value):
    assert intervals.quantile(freedom) == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize("count", [2, 5, 8, 16])
def test_intervals_of_few_values_cover_the_true_mean_95_times_in_100(count):
    values = np.random.default_rng(0).normal(size=(40_000, count))
    ends = intervals.reach(count) * values.std(axis=1, ddof=1)
    assert np.mean(np.abs(values.mean(axis=1)) <= ends) == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize("count", [0, 1])
def test_one_value_has_no_interval(count):
    with pytest.raises(ValueError, match="two values or more"):
        intervals.reach(count)
