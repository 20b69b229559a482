"""What a step of an LSTM of 32 units spends, and ways to end it that were tried; both precisions.

A step with a block of 32 windows is a matrix product and what follows it: the gates, the cell
state, the hidden state. Each part is run alone, over and over, and its least processor time of many
short runs is given, for other work on the machine only adds. Beside the loops that are used stand:

- one loop over the units, where there are two, and two units abreast in each of two loops;
- the exponential by one long polynomial, where a quotient of short ones is divided by anyway; so
  too with one division for both sums of the cell state, where two are made, with one coefficient
  less, and the error that this costs, and three less, and in halves that do not wait for each
  other.

The pace of the product is to be read beside what the processor's multiply-adds give at most.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from harness.record import Record
from numba import njit

from rnnlens.engine.kernels import functions
from rnnlens.engine.kernels.cells import lstm
from rnnlens.engine.kernels.functions import RISE, gated, logistic
from rnnlens.engine.kernels.lowlevel.compiling import INNER, STRICT
from rnnlens.engine.kernels.lowlevel.primitives import (
    always_inline,
    polynomial,
    power_of_two,
    with_sign,
)
from rnnlens.engine.kernels.tile import BLOCK, pack, product

UNITS, FEATURES = 32, 8
#: Rounds, and steps of a run: a run lasts a millisecond or so.
ROUNDS, STEPS = 200, 500
Precision = np.dtype[np.floating]
PRECISIONS: tuple[Precision, ...] = (np.dtype(np.float32), np.dtype(np.float64))
KERNEL: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


def in_halves(coefficients: tuple[float, ...], dtype: Precision) -> Callable[[float], float]:
    """Make a polynomial of even and odd powers apart."""
    even, odd = polynomial(coefficients[::2], dtype), polynomial(coefficients[1::2], dtype)

    @njit(**STRICT)
    def evaluate(r):
        always_inline()
        square = r * r
        return even(square) + r * odd(square)

    return evaluate


def halves(
    coefficients: tuple[float, ...], dtype: Precision, make: Callable[..., Any] = polynomial
) -> tuple[Callable[..., float], Callable[..., float]]:
    """Give ``1 + e^-a`` of a gate and ``expm1(2 |x|) / 2`` of tanh by a polynomial."""
    k = functions._numbers(dtype)
    q = make(coefficients, dtype)
    half_q = make(tuple(c * 2.0 ** (n + 1) for n, c in enumerate(coefficients)), dtype)
    # the product of two such sums must stay finite
    low = dtype.type(-40 * np.log(2))

    @njit(**STRICT)
    def shut(a):
        always_inline()
        a = low if a < low else a
        a = k.two_ends if a > k.two_ends else a
        v = k.rounder - a * k.per_log2
        n = v - k.rounder
        r = (-a - n * k.high) - n * k.low
        return k.one + (k.one + r * (k.one + r * q(r))) * power_of_two(v)

    @njit(**STRICT)
    def half(x):
        always_inline()
        y = abs(x)
        y = k.ends if y > k.ends else y
        v = y * k.per_half_log2 + k.rounder
        n = v - k.rounder
        s = power_of_two(v)
        r = (y - n * k.half_high) - n * k.half_low
        return s * (r + r * r * half_q(r)) + (k.half * s - k.half)

    return shut, half


def ended_by(
    coefficients: tuple[float, ...], dtype: Precision, make: Callable[..., Any] = polynomial
) -> Callable[..., None]:
    """Give the end of a step by another polynomial."""
    one = functions._numbers(dtype).one
    shut, half = halves(coefficients, dtype, make)

    @njit(**INNER)
    def end(a, C, h, n):
        for s in range(n):
            m = half(a[3 * n + s])
            through = with_sign(m / ((m + one) * shut(a[s])), a[3 * n + s])
            C[s] = C[s] / shut(a[n + s]) + through
        for s in range(n):
            m = half(C[s])
            h[s] = with_sign(m / ((m + one) * shut(a[2 * n + s])), C[s])

    return end


def ways(dtype: Precision) -> dict[str, Callable[..., None]]:
    """Give the ways to end a step: pre-activations, cell state, hidden state, numbers of each."""
    one = functions._numbers(dtype).one
    shut, half = halves(RISE[dtype], dtype)

    @njit(**INNER)
    def shared(a, C, h, n):
        for s in range(n):
            f, i, m = shut(a[n + s]), shut(a[s]), half(a[3 * n + s])
            below = (m + one) * i
            C[s] = (C[s] * below + with_sign(m, a[3 * n + s]) * f) / (f * below)
        for s in range(n):
            h[s] = gated(a[2 * n + s], C[s])

    @njit(**INNER)
    def single(a, C, h, n):
        for s in range(n):
            c = logistic(a[n + s]) * C[s] + gated(a[s], a[3 * n + s])
            C[s] = c
            h[s] = gated(a[2 * n + s], c)

    @njit(**INNER)
    def abreast(a, C, h, n):
        middle = n // 2
        for s in range(middle):
            t = middle + s
            C[s] = logistic(a[n + s]) * C[s] + gated(a[s], a[3 * n + s])
            C[t] = logistic(a[n + t]) * C[t] + gated(a[t], a[3 * n + t])
        for s in range(middle):
            t = middle + s
            h[s] = gated(a[2 * n + s], C[s])
            h[t] = gated(a[2 * n + t], C[t])

    return {
        "as it is": lstm._finish,
        "one loop": single,
        "two units abreast": abreast,
        "polynomial": ended_by(RISE[dtype], dtype),
        "polynomial, one division": shared,
        "polynomial, one coefficient less": ended_by(RISE[dtype][:-1], dtype),
        "polynomial, three coefficients less": ended_by(RISE[dtype][:-3], dtype),
        "polynomial in halves": ended_by(RISE[dtype], dtype, in_halves),
    }


def repeated(finish: Callable[..., None]) -> Callable[..., None]:
    """Make what ends so many steps."""

    @njit(**KERNEL)
    def run(a, C, h, n, steps):
        for _ in range(steps):
            finish(a, C, h, n)

    return run


@njit(**KERNEL)
def products(P, A, K, Z, G, steps):
    """Make the product of so many steps."""
    for _ in range(steps):
        product(P, A, K, Z, G, BLOCK)


def least(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Give the least processor seconds of each, in turns."""
    for run in runs.values():
        run()
    found = dict.fromkeys(runs, np.inf)
    for _ in range(rounds):
        for name, run in runs.items():
            begun = time.process_time()
            run()
            found[name] = min(found[name], time.process_time() - begun)
    return found


def main() -> None:
    """Measure the parts of a step and the other ways to end it."""
    record = Record("step_profile", __doc__ or "")
    for dtype in PRECISIONS:
        profile(record, dtype)
    record.save()


def profile(record: Record, dtype: Precision) -> None:
    """Measure them in one precision."""
    rng = np.random.default_rng(0)
    n, K = UNITS * BLOCK, FEATURES + 1 + UNITS
    a, C = rng.standard_normal(5 * n).astype(dtype), rng.standard_normal(n).astype(dtype)
    ends = {name: repeated(finish) for name, finish in ways(dtype).items()}
    after = {name: ended(end, a, C, 1) for name, end in ends.items()}
    runs: dict[str, Callable[[], object]] = {
        name: lambda end=end: ended(end, a, C, STEPS) for name, end in ends.items()
    }
    runs["product"] = product_of_steps(rng, K, dtype)
    seconds = least(runs, 20 if record.quick else ROUNDS)
    each = {name: (total / STEPS * 1e6, "us") for name, total in seconds.items()}
    sizes = f"LSTM H={UNITS} F={FEATURES}, {BLOCK} windows, {dtype.name}"
    pace = 2 * K * 4 * UNITS * BLOCK * STEPS / seconds["product"] / 1e9
    record.values("a step: product", sizes, {"time": each["product"], "pace": (pace, "Gflop/s")})
    for name in ends:
        off = float(np.abs(after[name] - after["as it is"]).max())
        shown = {"time": each[name], "largest difference": (off, "")}
        record.values(f"a step: end, {name}", sizes, shown)


def product_of_steps(rng: np.random.Generator, K: int, dtype: Precision) -> Callable[[], object]:
    """Make what multiplies so many times: K rows of weights."""
    P = pack(rng.standard_normal((K, 4 * UNITS)).astype(dtype))
    A = rng.standard_normal((K + 16) * BLOCK).astype(dtype)
    Z = np.empty(5 * UNITS * BLOCK, dtype)
    return lambda: products(P, A, K, Z, 4 * UNITS, STEPS)


def ended(end: Callable[..., None], a: Any, C: Any, steps: int) -> Any:
    """End so many steps alike; give the cell and the hidden state."""
    state, h = C.copy(), np.empty_like(C)
    end(a, state, h, C.size, steps)
    return np.concatenate([state, h])


if __name__ == "__main__":
    main()
