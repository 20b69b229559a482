"""Affine arithmetic written out number by number, from the textbook; no code of rnnlens in it.

A number is ``centre + sum of coefficient times symbol +- rest``, the coefficients in a dict.
"""

import math

import numpy as np


class Number:
    symbols = 0

    def __init__(self, centre, parts=None, rest=0.0):
        self.centre, self.parts, self.rest = centre, dict(parts or {}), rest

    def reach(self):
        return sum(abs(v) for v in self.parts.values())

    def radius(self):
        return self.reach() + self.rest

    def scaled(self, k):
        return Number(
            self.centre * k, {s: v * k for s, v in self.parts.items()}, self.rest * abs(k)
        )

    def plus(self, other):
        parts = dict(self.parts)
        for s, v in other.parts.items():
            parts[s] = parts.get(s, 0.0) + v
        return Number(self.centre + other.centre, parts, self.rest + other.rest)

    def times(self, other):
        shared = [self.parts[s] * other.parts[s] for s in self.parts if s in other.parts]
        symbols = set(self.parts) | set(other.parts)
        parts = {
            s: self.centre * other.parts.get(s, 0.0) + other.centre * self.parts.get(s, 0.0)
            for s in symbols
        }
        rest = abs(self.centre) * other.rest + abs(other.centre) * self.rest
        rest += self.radius() * other.radius() - sum(abs(v) for v in shared) / 2
        return Number(self.centre * other.centre + sum(shared) / 2, parts, rest)

    def fresh(self):
        """Give the rest a symbol of its own."""
        Number.symbols += 1
        return Number(self.centre, {**self.parts, ("new", Number.symbols): self.rest})


def total(numbers, start=0.0):
    result = Number(start)
    for number in numbers:
        result = result.plus(number)
    return result


def curved(function, number):
    """A function of a number: along its chord, as far off as a dense grid finds."""
    r = number.radius()
    if r == 0:
        return Number(function(number.centre))
    low, high = number.centre - r, number.centre + r
    slope = (function(high) - function(low)) / (high - low)
    points = np.linspace(low, high, 4001)
    off = np.array([function(v) - slope * (v - number.centre) for v in points])
    middle, rest = (off.max() + off.min()) / 2, (off.max() - off.min()) / 2
    parts = {s: v * slope for s, v in number.parts.items()}
    return Number(middle, parts, rest + abs(slope) * number.rest)


def logistic(v):
    return 1 / (1 + math.exp(-v))


def sides(p, gate, x, h, *, bias=("b_",)):
    units = len(p["W_" + gate][0])
    return [
        total(
            [x[k].scaled(p["W_" + gate][k][u]) for k in range(len(x))]
            + [h[k].scaled(p["U_" + gate][k][u]) for k in range(len(h))],
            sum(p[name + gate][u] for name in bias),
        )
        for u in range(units)
    ]


def lstm(p, window, phi=math.tanh, sigma=logistic):
    """Hidden states over a window of numbers, peepholes left aside."""
    units = len(p["b_i"])
    h, c = [Number(0.0)] * units, [Number(0.0)] * units
    steps = []
    for x in window:
        gates = {gate: sides(p, gate, x, h) for gate in "ifco"}
        i, f, o = ([curved(sigma, a) for a in gates[gate]] for gate in "ifo")
        g = [curved(phi, a) for a in gates["c"]]
        c = [f[u].times(c[u]).plus(i[u].times(g[u])).fresh() for u in range(units)]
        h = [o[u].times(curved(phi, c[u])).fresh() for u in range(units)]
        steps.append(h)
    return steps


def simple_rnn(p, window, phi=math.tanh):
    units = len(p["b"])
    h = [Number(0.0)] * units
    q = {"W_h": p["W"], "U_h": p["U"], "b_h": p["b"]}
    steps = []
    for x in window:
        h = [curved(phi, a).fresh() for a in sides(q, "h", x, h)]
        steps.append(h)
    return steps


def gru_after(p, window, phi=math.tanh, sigma=logistic):
    """Hidden states of a GRU that resets after the product, mixed as ``n + z (h - n)``."""
    units = len(p["b_z"])
    h = [Number(0.0)] * units
    steps = []
    for x in window:
        a_z, a_r = (sides(p, gate, x, h, bias=("b_", "b_r")) for gate in "zr")
        z, r = [curved(sigma, a) for a in a_z], [curved(sigma, a) for a in a_r]
        new = []
        for u in range(units):
            q = total([h[k].scaled(p["U_n"][k][u]) for k in range(units)], p["b_rn"][u])
            a = total([x[k].scaled(p["W_n"][k][u]) for k in range(len(x))], p["b_n"][u])
            n = curved(phi, a.plus(r[u].times(q)))
            line = Number(n.centre, n.parts)
            most = 1 - sigma(a_z[u].centre - a_z[u].radius())
            mixed = line.plus(z[u].times(h[u].plus(line.scaled(-1))))
            new.append(Number(mixed.centre, mixed.parts, mixed.rest + n.rest * most).fresh())
        h = new
        steps.append(h)
    return steps
