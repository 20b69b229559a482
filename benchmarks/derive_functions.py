"""Find the coefficients of `rnnlens.engine.kernels.functions` anew, and compare.

Each polynomial is minimax: Remez' exchange with 60 digits gives the one whose largest weighted
error is least. The weight makes it the error relative to the function that is computed. Rounding
the coefficients adds the little that is printed; the module must hold the same numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import numpy as np

from rnnlens.engine.kernels.functions import COTH, LOG, LOG2, RISE, TANGENT

Function = Callable[[Any], Any]


def chebyshev(n: int, low: Any, high: Any, shift: float) -> list[Any]:
    """Give ``n`` points that are dense at both ends."""
    return [
        low + (high - low) * (1 - mp.cos(mp.pi * (k + shift) / (n - 1 + 2 * shift))) / 2
        for k in range(n)
    ]


def polynomial(c: list[Any], x: Any) -> Any:
    """Evaluate, lowest power first."""
    return mp.polyval(c[::-1], x)


def minimax(f: Function, weight: Function, size: int, low: Any, high: Any) -> list[Any]:
    """Find the coefficients of the best polynomial."""
    points = chebyshev(size + 1, low, high, 0.5)
    grid = chebyshev(60 * size, low, high, 0)
    for _ in range(30):
        # on the points the weighted error must be E, -E, E, ...
        system = mp.matrix([
            [*(x**k for k in range(size)), (-1) ** i / weight(x)] for i, x in enumerate(points)
        ])
        *c, level = mp.lu_solve(system, mp.matrix([f(x) for x in points]))
        # the new points: where the error of each sign is largest
        peaks: list[tuple[Any, Any]] = []
        for x in grid:
            error = weight(x) * (f(x) - polynomial(c, x))
            if peaks and (peaks[-1][1] > 0) == (error > 0):
                peaks[-1] = max(peaks[-1], (x, error), key=lambda peak: abs(peak[1]))
            else:
                peaks.append((x, error))
        while len(peaks) > len(points):
            peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
        points = [x for x, _ in peaks]
        if max(abs(error) for _, error in peaks) < abs(level) * (1 + mp.mpf("1e-4")):
            return c
    raise ArithmeticError(f"no minimax polynomial with {size} coefficients was found")


def rise_rest(x: Any) -> Any:
    """``(e^x - 1 - x - x^2 / 2) / x^3``."""
    return mp.mpf(1) / 6 + x / 24 if abs(x) < 1e-15 else (mp.expm1(x) - x - x**2 / 2) / x**3


def log_rest(z: Any) -> Any:
    """``(2 artanh(s / 2) - s) / s^3`` with ``s^2 = z``."""
    if z < 1e-20:
        return mp.mpf(1) / 12 + z / 80
    s = mp.sqrt(z)
    return (2 * mp.atanh(s / 2) - s) / s**3


def coth_rest(z: Any) -> Any:
    """``(r coth(r / 2) - 2) / r^2`` with ``r^2 = z``."""
    if z < 1e-20:
        return mp.mpf(1) / 6 - z / 360
    r = mp.sqrt(z)
    return (r * mp.coth(r / 2) - 2) / z


def tangent_rest(z: Any) -> Any:
    """``(tanh r - r) / r^3`` with ``r^2 = z``."""
    if z < 1e-20:
        return -mp.mpf(1) / 3 + 2 * z / 15
    r = mp.sqrt(z)
    return (mp.tanh(r) / r - 1) / z


def compare(
    name: str, held: Sequence[float], dtype: np.dtype[Any], f: Function, weight: Function, ends: Any
) -> bool:
    """Derive one set of coefficients, print it beside the module's."""
    low, high = ends
    exact = minimax(f, weight, len(held), low, high)
    found = [dtype.type(float(c)) for c in exact]
    errors = [
        max(abs(weight(x) * (f(x) - polynomial(c, x))) for x in chebyshev(2000, low, high, 0))
        for c in (exact, [mp.mpf(float(c)) for c in found])
    ]
    same = all(a == dtype.type(b) for a, b in zip(found, held, strict=True))
    print(f"{name} {dtype.name}: {'as in the module' if same else 'NOT as in the module'}")
    print(f"  weighted error {mp.nstr(errors[0], 3)}, rounded {mp.nstr(errors[1], 3)}")
    print(f"  {', '.join(str(c) for c in found)}")
    return same


def main() -> int:
    """Derive everything and compare it with what the module holds."""
    mp.mp.dps = 60
    print(f"mpmath {mp.__version__}, numpy {np.__version__}")
    # a little beyond the ends, which the rounding of n may pass
    half = mp.log(2) / 2 * mp.mpf("1.0001")
    square = mp.mpf(4) / 9 * mp.mpf("1.0001")
    same = True
    for dtype, bits in ((np.dtype(np.float32), 16), (np.dtype(np.float64), 42)):
        # the coefficient before these is 1/2, which is exact
        weight = lambda r: max(r**2, mp.mpf("1e-4"))  # noqa: E731
        same &= compare("RISE", RISE[dtype][1:], dtype, rise_rest, weight, (-half, half))
        weight = lambda z: max(z, mp.mpf("1e-3"))  # noqa: E731
        ends = mp.mpf(0), half**2
        # the coefficient before these is 2, which is exact
        same &= compare("COTH", COTH[dtype][1:], dtype, coth_rest, weight, ends)
        ends = mp.mpf(0), half**2 / 4
        same &= compare("TANGENT", TANGENT[dtype], dtype, tangent_rest, weight, ends)
        weight = lambda z: max(z, mp.mpf("4e-3"))  # noqa: E731
        same &= compare("LOG", LOG[dtype], dtype, log_rest, weight, (mp.mpf(0), square))
        first = mp.floor(mp.log(2) * 2**bits) / 2**bits
        parts = float(first), float(mp.log(2) - first)
        same &= parts == LOG2[dtype]
        print(f"LOG2 {dtype.name}: {parts[0]!r}, {parts[1]!r}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
