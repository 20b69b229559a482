"""Curves are those of their formulas, rise, and are undone."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from rnnlens.errors import ConfigError, DataError
from rnnlens.series.transform import Transform

POWERS = [-3.0, -0.2, 0.0, 1e-14, 0.5, 1.0, 2.0, 2.7]


def naive(kind, power, x):
    """The two papers' formulas with 50 digits, case by case."""
    with mpmath.workdps(50):
        x, power = mpmath.mpf(x), mpmath.mpf(power)
        if kind == "box_cox":
            return mpmath.log(x) if power == 0 else (x**power - 1) / power
        if x >= 0:
            return mpmath.log(x + 1) if power == 0 else ((x + 1) ** power - 1) / power
        if power == 2:
            return -mpmath.log(1 - x)
        return -((1 - x) ** (2 - power) - 1) / (2 - power)


@pytest.mark.parametrize("kind", ["yeo_johnson", "box_cox"])
@pytest.mark.parametrize("power", POWERS)
def test_powers_are_those_of_their_papers_and_are_undone(kind, power):
    x = np.array([1e-9, 1e-3, 0.5, 1.0, 4.0, 60.0])
    x = np.concatenate([-x[::-1], [0.0], x]) if kind == "yeo_johnson" else x
    transform = Transform(kind, power)
    bent = transform.apply(x)
    # A few roundings of a logarithm and an exponential, each times the number itself.
    np.testing.assert_allclose(bent, [float(naive(kind, power, v)) for v in x], rtol=1e-13)
    assert (np.diff(bent) > 0).all()
    # Compared as bent again: where a curve is flat, a rounding is much of what it was given.
    np.testing.assert_allclose(transform.apply(transform.undo(bent)), bent, rtol=1e-12)
    steep = np.abs(np.log(np.maximum(np.abs(x), 1e-300))) < 5
    np.testing.assert_allclose(transform.undo(bent)[steep], x[steep], rtol=1e-6)


def test_the_logarithm_is_undone():
    x = np.array([0.0, 1e-12, 3.0])
    np.testing.assert_array_equal(Transform("log1p").apply(x), np.log1p(x))
    np.testing.assert_allclose(Transform("log1p").undo(np.log1p(x)), x, rtol=1e-15)


def test_what_no_value_is_bent_to_is_undone_to_infinity():
    assert Transform("yeo_johnson", -0.5).undo([1.99, 2.0, 2.5])[1:].tolist() == [np.inf, np.inf]
    assert Transform("yeo_johnson", 2.5).undo([-2.0, -3.0]).tolist() == [-np.inf, -np.inf]
    assert Transform("box_cox", 0.5).undo([-2.0, -3.0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("transform", "value", "words"),
    [
        (
            Transform("log1p", of="rain"),
            -1.0,
            "column 'rain' holds -1, and log1p takes numbers above",
        ),
        (Transform("box_cox", 0.0, "rain"), 0.0, "takes numbers above 0 alone"),
        (
            Transform("box_cox", 0.5),
            -0.1,
            "a column holds -0.1, and box_cox 0.5 takes numbers from 0",
        ),
    ],
)
def test_a_value_that_a_curve_does_not_take_is_named(transform, value, words):
    with pytest.raises(DataError, match=words):
        transform.apply([[1.0], [value]])


def test_a_square_root_takes_zero():
    assert Transform("box_cox", 0.5).apply([0.0, 4.0]).tolist() == [-2.0, 2.0]


def test_a_transform_is_one_that_is_known():
    with pytest.raises(ConfigError, match="must be one of log1p, yeo_johnson, box_cox, not 'sin'"):
        Transform("sin")
    with pytest.raises(ConfigError, match="yeo_johnson must be a finite number and is nan"):
        Transform("yeo_johnson", float("nan"))


def test_units_say_what_a_value_was_bent_by():
    assert Transform("log1p").unit("mm") == "log1p(mm)"
    assert Transform("box_cox", 0.25).unit("-") == "box_cox 0.25"
