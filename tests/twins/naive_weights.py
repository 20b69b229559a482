"""What weights say, written from the definitions: loops, and no code of ours."""

import math

import numpy as np


def spectral_norm(kernel):
    """The largest of |K x| over x of length one, by power iteration on K^T K."""
    x = np.random.default_rng(1).normal(size=kernel.shape[1])
    for _ in range(5000):
        x = kernel.T @ (kernel @ x)
        x /= math.sqrt(float(x @ x))
    return math.sqrt(float((kernel @ x) @ (kernel @ x)))


def spectral_radius(kernel, times=4096):
    """The limit of |K^n|^(1/n), by repeated squaring, sizes kept apart as logarithms."""
    power, log, n = np.array(kernel, float), 0.0, 1
    while n < times:
        power, log, n = power @ power, 2 * log, 2 * n
        size = math.sqrt(sum(float(v) ** 2 for v in power.flat))
        power, log = power / size, log + math.log(size)
    return math.exp(log / n)


def frobenius(kernel):
    return math.sqrt(sum(float(v) ** 2 for v in kernel.flat))


def shares(values, low=0.1, high=0.9):
    """Mean, and shares of steps below and above, of one gate and unit: values as a flat list."""
    known = [float(v) for v in values if not math.isnan(v)]
    n = len(known)
    return (
        sum(known) / n,
        sum(abs(v) < low for v in known) / n,
        sum(abs(v) > high for v in known) / n,
    )
