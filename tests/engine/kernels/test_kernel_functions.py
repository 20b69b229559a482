"""The functions of the kernels: their stated errors over all floats, limits, and vector code."""

from __future__ import annotations

import math
import platform
import re
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from numba import njit, types
from scipy import special

from rnnlens.engine.kernels import functions
from rnnlens.engine.kernels.cells import gru, lstm
from rnnlens.engine.kernels.lowlevel.compiling import ALLOCATING, INNER

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
NAMES = ("tanh", "logistic", "exp", "expm1", "log1p_exp")
KINDS = pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
EACH = pytest.mark.parametrize("name", NAMES)

#: In float64 with SciPy: six digits more than a float32 has.
PRECISE = {
    "tanh": np.tanh,
    "logistic": special.expit,
    "exp": np.exp,
    "expm1": np.expm1,
    "log1p_exp": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}
#: With 40 digits.
EXACT = {
    "tanh": mp.tanh,
    "logistic": lambda x: 1 / (1 + mp.exp(-x)),
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log1p_exp": lambda x: mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x)),
}


@cache
def loop(name):
    """The function over an array, in place, as the kernels call it."""
    function = getattr(functions, name)

    @njit(**ALLOCATING)
    def run(a):
        for s in range(a.size):
            a[s] = function(a[s])

    return run


def computed(name, x):
    y = x.copy()
    loop(name)(y)
    return y


def stated(name, dtype):
    return getattr(functions, f"{name.upper()}_ERROR")[dtype]


@njit(**ALLOCATING)
def gated_loop(a, x, y):
    for s in range(y.size):
        y[s] = functions.gated(a[s], x[s])


@KINDS
@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no longer here")
def test_what_a_gate_lets_through_is_within_the_stated_error(dtype, rng):
    sizes = np.geomspace(1e-3, 60, 40)
    a = (rng.normal(size=(4000, 40, 1)) * sizes[:, None]).astype(dtype)
    a, x = (g.ravel() for g in np.broadcast_arrays(a, (rng.normal(size=40) * sizes).astype(dtype)))
    y = np.empty_like(x)
    gated_loop(a, x, y)
    truth = np.tanh(x.astype(np.longdouble)) / (1 + np.exp(-a.astype(np.longdouble)))
    open_wide = a > -69  # e^-69 is just above 2^-100
    assert 0.99 < open_wide.mean() < 1
    error = np.abs(y - truth) / np.spacing(np.abs(truth.astype(dtype)))
    assert error[open_wide].max() <= functions.GATED_ERROR[dtype]
    assert np.abs(y - truth)[~open_wide].max() < 2.0**-99


@KINDS
def test_what_a_gate_lets_through_has_its_limits(dtype):
    a = np.array([np.inf, np.inf, -np.inf, np.nan, 0.0, 0.0], dtype)
    x = np.array([np.inf, -np.inf, np.inf, 0.0, np.nan, -0.0], dtype)
    y = np.empty_like(x)
    gated_loop(a, x, y)
    assert list(y[:2]) == [1, -1]
    assert 0 <= y[2] < 1e-30
    assert np.isnan(y[3:5]).all()
    assert y[5] == 0
    assert np.signbit(y[5])


def every_binade(rng, dtype, each):
    """Numbers of every exponent, the subnormal ones too, and of both signs."""
    info = np.finfo(dtype)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    x = np.ldexp(rng.uniform(1, 2, size=(each, exponents.size)), exponents).astype(dtype).ravel()
    x = np.concatenate([x, np.ldexp(1.0, exponents).astype(dtype)])
    x = x[np.isfinite(x)]
    return np.concatenate([x, -x])


def joints(dtype):
    """The neighbours of all places where a formula changes: limits, and half multiples of log 2."""
    info = np.finfo(dtype)
    halves = np.arange(0.5, info.maxexp + info.nmant + 4, 0.5)
    places = np.concatenate([
        halves * np.log(2) / 2,
        halves * np.log(2),
        (info.maxexp + np.array([-0.1, -0.01, 0, 0.1, 1])) * np.log(2),
        2.0 ** -np.arange(info.nmant - 2, info.nmant + 6.0),
        [0.5, 1.0],
    ]).astype(dtype)
    around = np.concatenate([places, -places])
    for way in (-np.inf, np.inf):
        x = around
        for _ in range(3):
            x = np.nextafter(x, dtype.type(way))
            places = np.concatenate([places, x])
    return places


def largest_error(name, x, truth):
    """In units of the last place; infinities, NaN and logistic's subnormals are judged here."""
    y = computed(name, x)
    info = np.finfo(x.dtype)
    nearest = truth.astype(x.dtype)
    finite = np.isfinite(nearest)
    np.testing.assert_array_equal(y[~finite], nearest[~finite])
    y, truth, nearest = y[finite], truth[finite], nearest[finite]
    if name == "logistic":
        normal = nearest >= info.smallest_normal
        assert not normal.all()
        assert np.abs(y - truth)[~normal].max() <= info.smallest_normal
        y, truth, nearest = y[normal], truth[normal], nearest[normal]
    return float((np.abs(y - truth) / np.spacing(np.abs(nearest))).max())


@EACH
def test_float32_is_within_the_stated_error(name, rng):
    patterns = rng.integers(0, 2**32, 2_000_000, dtype=np.uint32).view(np.float32)
    usual = (rng.normal(size=500_000) * 4).astype(np.float32)
    wide = rng.uniform(-110, 110, size=300_000).astype(np.float32)
    x = np.concatenate([patterns, usual, wide, every_binade(rng, SINGLE, 40), joints(SINGLE)])
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        truth = PRECISE[name](x.astype(np.float64))
        # the truth is itself wrong by some 1e-16, a few 1e-9 of a unit
        assert largest_error(name, x, truth) <= stated(name, SINGLE)


@EACH
@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no longer here")
def test_float64_is_within_the_stated_error(name, rng):
    patterns = rng.integers(0, 2**64, 60_000, dtype=np.uint64).view(np.float64)
    usual = rng.normal(size=100_000) * 4
    wide = rng.uniform(-760, 760, size=40_000)
    x = np.concatenate([patterns, usual, wide, every_binade(rng, DOUBLE, 4)])
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        long = x.astype(np.longdouble)
        truth = 1 / (1 + np.exp(-long)) if name == "logistic" else PRECISE[name](long)
        # the truth is wrong by less than 2 of its own last places, 2^-11 of a unit each
        assert largest_error(name, x, truth) <= stated(name, DOUBLE) + 2**-9


@EACH
@KINDS
def test_stated_errors_hold_against_forty_digits(name, dtype, rng):
    x = np.concatenate([
        joints(dtype)[::7],
        every_binade(rng, dtype, 1)[::5],
        rng.normal(size=1500),
    ])
    x = x.astype(dtype)
    y = computed(name, x)
    info = np.finfo(dtype)
    lowest = info.smallest_normal if name == "logistic" else 0
    with mp.workdps(40):
        for number, result in zip(x.tolist(), y.tolist(), strict=True):
            # beyond 1e4 in size every result is 0, 1, -1, the number itself, or infinite
            if abs(number) > 1e4:
                continue
            truth = EXACT[name](mp.mpf(number))
            if truth > info.max:
                assert result == math.inf
            elif abs(truth) < lowest:
                assert abs(result - truth) <= lowest
            else:
                # frexp: truth = m 2^e, 1/2 <= m < 1
                e = int(mp.frexp(truth)[1]) if truth else info.minexp
                place = mp.ldexp(1, max(e - 1, int(info.minexp)) - info.nmant)
                assert abs(result - truth) <= stated(name, dtype) * place


@KINDS
def test_limits_zeros_and_nan_are_exact(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30], dtype)
    inf, one = np.inf, 1.0
    wanted = {
        "tanh": [np.nan, one, -one, 0.0, -0.0, one, -one],
        "logistic": [np.nan, one, 0.0, 0.5, 0.5, one, 0.0],
        "exp": [np.nan, inf, 0.0, one, one, inf, 0.0],
        "expm1": [np.nan, inf, -one, 0.0, -0.0, inf, -one],
        "log1p_exp": [np.nan, inf, 0.0, np.log(2), np.log(2), dtype.type(1e30), 0.0],
    }
    for name in NAMES:
        y = computed(name, x)
        np.testing.assert_array_equal(y, np.array(wanted[name], dtype))
        if name in {"tanh", "expm1"}:
            np.testing.assert_array_equal(np.signbit(y), np.signbit(np.array(wanted[name])))


@KINDS
def test_tanh_is_odd_to_the_last_bit_and_never_above_one(dtype, rng):
    x = np.concatenate([every_binade(rng, dtype, 5), joints(dtype), rng.normal(size=10_000) * 5])
    x = x.astype(dtype)
    y = computed("tanh", x)
    np.testing.assert_array_equal(computed("tanh", -x), -y)
    assert np.abs(y).max() == 1
    # 1 + x rounds to 1, and nothing is lost of the subnormal numbers
    small = np.abs(x) < np.finfo(dtype).eps / 4
    np.testing.assert_array_equal(y[small], x[small])


@EACH
@KINDS
def test_results_descend_by_no_more_than_two_last_places(name, dtype, rng):
    x = np.sort(np.concatenate([rng.normal(size=20_000) * 4, joints(dtype)]).astype(dtype))
    with np.errstate(over="ignore"):
        x = np.unique(np.concatenate([x, np.nextafter(x, dtype.type(np.inf))]))
    y = computed(name, x)
    y = y[np.isfinite(y)]
    drop = np.maximum(y[:-1] - y[1:], 0)
    # both neighbours are within the stated error, and the true values ascend
    assert (drop <= 2 * np.spacing(np.abs(y[1:]))).all()


@EACH
def test_a_call_from_python_gives_the_same_function(name):
    for x in (-3.0, 0.25, 7.0):
        assert getattr(functions, name)(x) == pytest.approx(PRECISE[name](x), rel=1e-15)


@EACH
@KINDS
@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="reads x86 assembly")
def test_a_loop_becomes_vector_code(name, dtype):
    run = loop(name)
    run(np.zeros(3, dtype))
    (code,) = (text for kinds, text in run.inspect_asm().items() if kinds[0].dtype.name == dtype)
    # packed products, plain or fused with a sum: more than one for each coefficient
    packed = re.findall(r"\tv?(?:mul|fn?m(?:add|sub)\d+)(p[sd])\s", code)
    assert packed.count("ps" if dtype == SINGLE else "pd") > len(functions.COTH[dtype])
    assert not re.search(r"\$(exp|tanh|log|ldexp)", code)


@KINDS
@pytest.mark.parametrize(
    "finish", [lstm._finish, gru._finish_after, gru._finish_before], ids=lambda f: f.__name__
)
@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="reads x86 assembly")
def test_the_last_loops_of_a_step_are_vector_code_without_calls(finish, dtype):
    # a function that is called and not copied in is computed one number after the other, which
    # took twenty times as long in float64
    lines = types.Array(types.float32 if dtype == SINGLE else types.float64, 1, "C")
    count = finish.__code__.co_argcount
    kinds = (lines,) * (count - ("n" in finish.__code__.co_varnames[:count]))
    compiled = njit(**INNER, no_cpython_wrapper=True, no_cfunc_wrapper=True)(finish.py_func)
    compiled.compile(kinds if len(kinds) == count else (*kinds, types.intp))
    (code,) = compiled.inspect_asm().values()
    assert not re.search(r"\tcallq?\s", code)
    divisions = re.findall(r"\tv?div(ps|pd)\s", code)
    assert divisions.count("ps" if dtype == SINGLE else "pd") >= 1
