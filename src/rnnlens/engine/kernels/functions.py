"""The smooth functions of activations, written so that a loop over them becomes vector code.

A call of the C library stands in the way of that, and so does a branch or a table. Here every
function is arithmetic alone, on one way through::

    exp x     = 2^n e^r,     n = round(x / log 2),   r = x - n log 2,   e^r = 1 + r + r^2 q(r)
    tanh |x|  = (g + (g + 1) t) / (g + 1 + g t),     t = tanh r = r + r^3 p(r^2)
                g = (2^n - 1) / 2,   n = round(2 |x| / log 2),   r = |x| - n log(2) / 2
    logistic  = (d - r) / (d - r + 2^n (d + r)),     d = r coth(r / 2),   r = -x - n log 2
    gated     = logistic(a) tanh(x), by one division
    softplus  = max(x, 0) + log(1 + e),       e = e^-|x|
    log(1 + e) = 2 artanh(s / 2) = s + s^3 l(s^2),       s = e / (1 + e / 2)

``tanh`` is the theorem of addition, with ``g / (g + 1) = tanh(n log(2) / 2)``, and ``logistic``
that ``e^r = (d + r) / (d - r)``, where ``d`` is even: a division is made in any case, and with it a
quotient of short polynomials does for a long one. The polynomials ``q``, ``p``, ``d`` and ``l`` are
minimax: ``benchmarks/derive_functions.py`` finds them. Adding 1.5 * 2^52 to a float64 (1.5 * 2^23
to a float32) rounds it to an integer and leaves that integer in its lowest bits: shifted into the
exponent's place they make ``2^n``. The logarithm of 2 is taken in two parts, the first short enough
for its product with ``n`` to be exact.

The functions are for compiled code, on one float32 or float64 at a time; called from Python they
give NumPy's values. NaN gives NaN and infinities give the limits. `tanh` is odd to the last bit,
keeps the sign of zero, and is never above 1. Subnormal results are kept, but for those of
`logistic`, of which the lower ones are 0. Where a function hardly rises, a larger argument may give
a result that is smaller by as much as two units in the last place.

The errors below are bounds on the distance from the true value in units of its last place, above
all that was found with and without fused multiply-add: in float32 over every number there is
(``benchmarks/functions_exhaustive.py``), in float64 over tens of millions, in every binade and
closely where the error is largest. They hold for normal results, and but for `logistic` for
subnormal ones too, whose last place is the smallest number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np

from rnnlens.engine.kernels.lowlevel.compiling import STRICT, uncached
from rnnlens.engine.kernels.lowlevel.extending import implement_for_numbers
from rnnlens.engine.kernels.lowlevel.primitives import (
    always_inline,
    polynomial,
    power_of_two,
    with_sign,
)

__all__ = [
    "EXPM1_ERROR",
    "EXP_ERROR",
    "GATED_ERROR",
    "LOG1P_EXP_ERROR",
    "LOGISTIC_ERROR",
    "TANH_ERROR",
    "exp",
    "expm1",
    "gated",
    "log1p_exp",
    "logistic",
    "tanh",
]

#: float32 or float64.
Precision = np.dtype[np.floating]
_SINGLE: Precision = np.dtype(np.float32)
_DOUBLE: Precision = np.dtype(np.float64)

#: Bound on the error of `tanh` in units of the last place, by dtype.
TANH_ERROR = {_SINGLE: 2.7, _DOUBLE: 2.8}
#: Bound on the error of `logistic`, likewise.
LOGISTIC_ERROR = {_SINGLE: 2.7, _DOUBLE: 2.7}
#: Bound on the error of `gated`, likewise, where the gate is above 2^-100 (2^-900).
GATED_ERROR = {_SINGLE: 5.2, _DOUBLE: 5.2}
#: Bound on the error of `exp`, likewise.
EXP_ERROR = {_SINGLE: 1.2, _DOUBLE: 1.2}
#: Bound on the error of `expm1`, likewise.
EXPM1_ERROR = {_SINGLE: 1.8, _DOUBLE: 2.3}
#: Bound on the error of `log1p_exp`, likewise.
LOG1P_EXP_ERROR = {_SINGLE: 3.1, _DOUBLE: 3.1}

#: Coefficients of ``q`` in ``e^r - 1 = r + r^2 q(r)``, ``|r| <= log(2) / 2``, lowest power first.
RISE = {
    _SINGLE: (0.5, 0.16666545, 0.041666403, 0.008366432, 0.0013940511),
    _DOUBLE: (
        0.5,
        0.1666666666666668,
        0.041666666666619695,
        0.008333333333318956,
        0.001388888892063358,
        0.00019841269894333474,
        2.4801516184558996e-05,
        2.755723514429719e-06,
        2.762229344712049e-07,
        2.5112353710437648e-08,
    ),
}
#: Coefficients of ``d``, ``r coth(r / 2) = d(r^2)``, ``|r| <= log(2) / 2``, likewise.
COTH = {
    _SINGLE: (2.0, 0.16666625, -0.0027667533),
    _DOUBLE: (
        2.0,
        0.16666666666666602,
        -0.002777777777701523,
        6.613756321397038e-05,
        -1.653390218623213e-06,
        4.138136432397428e-08,
    ),
}
#: Coefficients of ``p`` in ``tanh r = r + r^3 p(r^2)``, ``|r| <= log(2) / 4``, likewise.
TANGENT = {
    _SINGLE: (-0.33331275, 0.13110793),
    _DOUBLE: (
        -0.33333333333332854,
        0.13333333332922404,
        -0.05396825296549471,
        0.02186938177444285,
        -0.008857619406799095,
        0.003448139979272958,
    ),
}
#: Coefficients of ``l`` in ``2 artanh(s / 2) = s + s^3 l(s^2)``, ``0 <= s <= 2 / 3``, likewise.
LOG = {
    _SINGLE: (0.083333015, 0.012506783, 0.002187423, 0.00054736633),
    _DOUBLE: (
        0.08333333333333298,
        0.012500000000042024,
        0.002232142855481311,
        0.0004340278095464389,
        8.877806463042168e-05,
        1.8782335869762345e-05,
        4.059390048831853e-06,
        9.23159315408496e-07,
        1.595410694603243e-07,
        8.094962495260445e-08,
    ),
}
#: The logarithm of 2 in two parts; the first has 8 (11) bits to spare, as many as ``n`` takes.
LOG2 = {
    _SINGLE: (0.693145751953125, 1.4286068203094173e-06),
    _DOUBLE: (0.6931471805598903, 5.497923018708371e-14),
}


def tanh(x: float) -> float:
    """Hyperbolic tangent.

    Examples
    --------
    >>> round(float(tanh(0.5)), 12)
    0.46211715726
    """
    return np.tanh(x)


def logistic(x: float) -> float:
    """Logistic function ``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> float(logistic(0.0))
    0.5
    """
    return np.exp(-np.logaddexp(x * 0, -x))


def exp(x: float) -> float:
    """Exponential function.

    Examples
    --------
    >>> float(exp(0.0))
    1.0
    """
    return np.exp(x)


def expm1(x: float) -> float:
    """Exponential function less one, precise near zero.

    Examples
    --------
    >>> float(expm1(1e-20))
    1e-20
    """
    return np.expm1(x)


def log1p_exp(x: float) -> float:
    """Softplus, ``log(1 + exp(x))``.

    Examples
    --------
    >>> float(log1p_exp(1000.0))
    1000.0
    """
    return np.logaddexp(x * 0, x)


def gated(a: float, x: float) -> float:
    """Give what a gate lets through: ``logistic(a) * tanh(x)``, in compiled code by one division.

    Examples
    --------
    >>> float(gated(0.0, 0.0))
    0.0
    """
    return logistic(a) * tanh(x)


class _Numbers(NamedTuple):
    """The numbers of one precision, for compiled code to hold as constants."""

    zero: float
    half: float
    one: float
    two: float
    per_log2: float
    per_half_log2: float
    high: float
    low: float
    half_high: float
    half_low: float
    #: 1.5 * 2^p has a last place of 1; the exponent's bias is added.
    rounder: float
    #: The same, for half of 2^n.
    halved: float
    #: The same, for 2^64 times 2^n, and what puts that right: 2^n itself may be too small to write.
    lifted: float
    lower: float
    #: e^-least is below half of the smallest number.
    least: float
    #: e^most is above the largest number.
    most: float
    #: e^open is far above all but the numbers that a product must not grow beyond.
    open: float
    #: This part of ``d`` and of ``d - r`` is little below 2, where rounding changes numbers least.
    part: float
    #: From here on tanh x and 1 + e^-2x are 1 to the last bit.
    ends: float
    two_ends: float
    #: Below this size e^x - 1 is x to the last bit.
    tiny: float


def _numbers(dtype: Precision) -> _Numbers:
    info = np.finfo(dtype)
    high, low = LOG2[dtype]
    rounder = 1.5 * 2.0**info.nmant + info.maxexp - 1
    ends = 0.5 * (info.nmant + 5) * np.log(2)
    numbers = _Numbers(
        zero=0,
        half=0.5,
        one=1,
        two=2,
        per_log2=1 / np.log(2),
        per_half_log2=2 / np.log(2),
        high=high,
        low=low,
        half_high=0.5 * high,
        half_low=0.5 * low,
        rounder=rounder,
        halved=rounder - 1,
        lifted=rounder + 64,
        lower=2.0**-64,
        least=(info.nmant - info.minexp + 1.1) * np.log(2),
        most=(info.maxexp + 0.1) * np.log(2),
        open=(100 if dtype == _SINGLE else 900) * np.log(2),
        part=27 / 32,
        ends=ends,
        two_ends=2 * ends,
        tiny=2.0 ** -(info.nmant + 3),
    )
    # a float32 is no float to Python's annotations
    return _Numbers(*(cast("float", dtype.type(number)) for number in numbers))


def _family(dtype: Precision) -> dict[str, Callable[..., float]]:
    """Make the functions of one precision, for Numba to compile."""
    k = _numbers(dtype)
    q, d, p = (polynomial(held[dtype], dtype) for held in (RISE, COTH, TANGENT))
    part_d = polynomial([c * float(k.part) for c in COTH[dtype]], dtype)

    # fused multiply-add is welcome; nothing that would undo the rounding by a large number is
    @uncached(STRICT)
    def rise(x, n):
        """``e^r - 1``."""
        always_inline()
        r = (x - n * k.high) - n * k.low
        return r + r * r * q(r)

    @uncached(STRICT)
    def tangent(r):
        """``tanh r``."""
        always_inline()
        z = r * r
        return r + r * z * p(z)

    return {
        "tanh": _tanh(k, tangent),
        "logistic": _logistic(k, d),
        "gated": _gated(k, part_d, tangent),
        "exp": _exp(k, rise),
        "expm1": _expm1(k, rise),
        "log1p_exp": _log1p_exp(k, rise, dtype),
    }


def _tanh(k: _Numbers, tangent: Callable[[float], float]) -> Callable[[float], float]:
    def function(x):
        always_inline()
        y = abs(x)
        y = k.ends if y > k.ends else y
        v = y * k.per_half_log2 + k.halved
        n = v - k.halved
        r = (y - n * k.half_high) - n * k.half_low
        t, h = tangent(r), power_of_two(v)
        # never above 1: below < above and t < 1
        below, above = h - k.half, h + k.half
        return with_sign((above * t + below) / (below * t + above), x)

    return function


def _logistic(k: _Numbers, d: Callable[[float], float]) -> Callable[[float], float]:
    def function(x):
        always_inline()
        # where x is very low, 2^n and then the sum are infinite
        x = -k.most if x < -k.most else x
        x = k.two_ends if x > k.two_ends else x
        v = k.rounder - x * k.per_log2
        n = v - k.rounder
        r = (-x - n * k.high) - n * k.low
        mean = d(r * r)
        below = mean - r
        return below / (below + (mean + r) * power_of_two(v))

    return function


def _gated(
    k: _Numbers, d: Callable[[float], float], tangent: Callable[[float], float]
) -> Callable[[float, float], float]:
    def function(a, x):
        always_inline()
        a = -k.open if a < -k.open else a
        a = k.two_ends if a > k.two_ends else a
        v = k.rounder - a * k.per_log2
        n = v - k.rounder
        r = (-a - n * k.high) - n * k.low
        mean = d(r * r)
        opened = mean - r * k.part
        whole = opened + (mean + r * k.part) * power_of_two(v)
        y = abs(x)
        y = k.ends if y > k.ends else y
        v = y * k.per_half_log2 + k.halved
        n = v - k.halved
        r = (y - n * k.half_high) - n * k.half_low
        t, h = tangent(r), power_of_two(v)
        below, above = h - k.half, h + k.half
        return with_sign(opened * (above * t + below) / (whole * (below * t + above)), x)

    return function


def _exp(k: _Numbers, rise: Callable[[float, float], float]) -> Callable[[float], float]:
    def function(x):
        always_inline()
        x = k.most if x > k.most else x
        x = -k.least if x < -k.least else x
        v = x * k.per_log2 + k.rounder
        n = v - k.rounder
        # 2^n in two factors: n may be outside of the exponents that there are
        first = n * k.half + k.rounder
        second = (n - (first - k.rounder)) + k.rounder
        s = power_of_two(first)
        return (s + s * rise(x, n)) * power_of_two(second)

    return function


def _expm1(k: _Numbers, rise: Callable[[float, float], float]) -> Callable[[float], float]:
    def function(x):
        always_inline()
        y = k.most if x > k.most else x
        y = -k.two_ends if y < -k.two_ends else y
        v = y * k.per_log2 + k.halved
        s = power_of_two(v)
        m = k.two * (s * rise(y, v - k.halved) + (s - k.half))
        return x if abs(x) < k.tiny else m

    return function


def _log1p_exp(
    k: _Numbers, rise: Callable[[float, float], float], dtype: Precision
) -> Callable[[float], float]:
    q = polynomial(LOG[dtype], dtype)

    def function(x):
        always_inline()
        y = abs(x)
        y = k.least if y > k.least else y
        v = k.lifted - y * k.per_log2
        s = power_of_two(v)
        e = (s + s * rise(-y, v - k.lifted)) * k.lower
        s = e / (k.one + k.half * e)
        z = s * s
        return (k.zero if x < k.zero else x) + (s + s * z * q(z))

    return function


_FAMILIES = {dtype: _family(dtype) for dtype in (_SINGLE, _DOUBLE)}
for _function in (tanh, logistic, exp, expm1, log1p_exp, gated):
    _name = _function.__name__
    _own = {dtype: family[_name] for dtype, family in _FAMILIES.items()}
    implement_for_numbers(_function, _own, STRICT)
