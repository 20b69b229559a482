"""Naive twins of what a mean rests on and of a t test for skewed means, number by number."""

import math


def ranks(values):
    """Average ranks from 1 on."""
    order = []
    for value in values:
        below = sum(other < value for other in values)
        same = sum(other == value for other in values)
        order.append(below + (same + 1) / 2)
    return order


def dependence(values):
    """1 and twice the autocorrelations of the ranks up to lag n^(1/2), where above noise."""
    n = len(values)
    r = ranks(values)
    away = [one - sum(r) / n for one in r]
    most = int(math.sqrt(n))
    total = 0.0
    for k in range(1, most + 1):
        total += sum(away[t] * away[t + k] for t in range(n - k)) / sum(a * a for a in away)
    return 1 + 2 * total if total > 2 * math.sqrt(most / n) else 1.0


def resting(sizes):
    """The windows of one size that would have this sum and this sum of squares, less dependence."""
    return sum(sizes) ** 2 / sum(s * s for s in sizes) / dependence(sizes)


def skewness_of_the_mean(values, block):
    """From means over blocks that do not overlap."""
    means = []
    for b in range(len(values) // block):
        means.append(sum(values[b * block : (b + 1) * block]) / block)
    count = len(means)
    middle = sum(means) / count
    second = sum((m - middle) ** 2 for m in means) / count
    third = sum((m - middle) ** 3 for m in means) / count
    return third / second**1.5 / math.sqrt(count)


def hall(t, a):
    """Hall's (1992) cubic, as the cube it comes from: g = ((1 + a t / 3)^3 - 1) / a + a / 6."""
    return ((1 + a * t / 3) ** 3 - 1) / a + a / 6
