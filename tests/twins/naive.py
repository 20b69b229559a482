"""Naive twins: methods written from their papers, slow and obvious, no code of rnnlens in them.

Weights are plain dicts of arrays, ``p["W_i"]`` and so on, as the equations name them.
"""

import math
from itertools import combinations

import numpy as np


def logistic(a):
    return 1.0 / (1.0 + math.exp(-a))


def lstm_loop(p, x, sigma=logistic, phi=math.tanh, h=None, c=None, real=None):
    """Run one window through an LSTM, unit by unit; give a list with all values of each step."""
    H = len(p["b_i"])
    R = len(p["P"][0]) if "P" in p else H  # entries of the hidden state that is handed on
    h = [0.0] * R if h is None else list(h)
    c = [0.0] * H if c is None else list(c)
    steps = []
    for t in range(len(x)):
        if real is not None and not real[t]:
            steps.append({"h": list(h), "c": list(c)})
            continue
        s = {key: [0.0] * H for key in ("a_i", "a_f", "a_g", "a_o", "i", "f", "g", "o", "c", "h")}
        for u in range(H):
            for key, gate in (("a_i", "i"), ("a_f", "f"), ("a_g", "c")):
                a = p["b_" + gate][u]
                a += sum(x[t][k] * p["W_" + gate][k][u] for k in range(len(x[t])))
                a += sum(h[k] * p["U_" + gate][k][u] for k in range(R))
                if gate != "c" and "V_i" in p:
                    a += p["V_" + gate][u] * c[u]
                s[key][u] = a
            s["i"][u], s["f"][u], s["g"][u] = (
                sigma(s["a_i"][u]),
                sigma(s["a_f"][u]),
                phi(s["a_g"][u]),
            )
            s["c"][u] = s["f"][u] * c[u] + s["i"][u] * s["g"][u]
            a = p["b_o"][u]
            a += sum(x[t][k] * p["W_o"][k][u] for k in range(len(x[t])))
            a += sum(h[k] * p["U_o"][k][u] for k in range(R))
            if "V_o" in p:
                a += p["V_o"][u] * s["c"][u]
            s["a_o"][u], s["o"][u] = a, sigma(a)
            s["h"][u] = s["o"][u] * phi(s["c"][u])
        h, c = s["h"], s["c"]
        if "P" in p:
            s["r"] = h = [sum(s["h"][u] * p["P"][u][k] for u in range(H)) for k in range(R)]
        steps.append(s)
    return steps


def gru_loop(p, x, reset_after, sigma=logistic, phi=math.tanh):
    """Run one window through a GRU, unit by unit."""
    H = len(p["b_z"])
    h = [0.0] * H
    steps = []
    for t in range(len(x)):
        z, r, n, a_z, a_r, a_n = ([0.0] * H for _ in range(6))
        for u in range(H):
            for gate, a, out in (("z", a_z, z), ("r", a_r, r)):
                total = p["b_" + gate][u] + p["b_r" + gate][u]
                total += sum(x[t][k] * p["W_" + gate][k][u] for k in range(len(x[t])))
                total += sum(h[k] * p["U_" + gate][k][u] for k in range(H))
                a[u], out[u] = total, sigma(total)
        for u in range(H):
            from_x = p["b_n"][u] + sum(x[t][k] * p["W_n"][k][u] for k in range(len(x[t])))
            if reset_after:
                from_h = r[u] * (p["b_rn"][u] + sum(h[k] * p["U_n"][k][u] for k in range(H)))
            else:
                from_h = p["b_rn"][u] + sum(r[k] * h[k] * p["U_n"][k][u] for k in range(H))
            a_n[u] = from_x + from_h
            n[u] = phi(a_n[u])
        h = [z[u] * h[u] + (1 - z[u]) * n[u] for u in range(H)]
        steps.append({"a_z": a_z, "a_r": a_r, "a_n": a_n, "z": z, "r": r, "n": n, "h": h})
    return steps


def simple_rnn_loop(p, x, phi=math.tanh):
    """Run one window through a plain cell, unit by unit."""
    H = len(p["b"])
    h = [0.0] * H
    steps = []
    for row in x:
        a = [
            p["b"][u]
            + sum(row[k] * p["W"][k][u] for k in range(len(row)))
            + sum(h[k] * p["U"][k][u] for k in range(H))
            for u in range(H)
        ]
        h = [phi(v) for v in a]
        steps.append({"a": a, "h": h})
    return steps


def shapley_by_subsets(value, players):
    """Shapley's formula, subset by subset; ``value`` takes a frozenset of players."""
    phi = []
    for player in range(players):
        others = [k for k in range(players) if k != player]
        total = 0.0
        for size in range(players):
            weight = math.factorial(size) * math.factorial(players - size - 1)
            weight /= math.factorial(players)
            for chosen in combinations(others, size):
                total += weight * (value(frozenset((*chosen, player))) - value(frozenset(chosen)))
        phi.append(total)
    return phi


def lstm_secant(p, w, x, x0):
    """DeepLIFT-Rescale with the two-player product rule, unit by unit, for ``f = w h_T``."""

    def rescale(function, a, a0):
        if abs(a - a0) < 1e-9:
            e = 1e-6
            return (function(a + e) - function(a - e)) / (2 * e)
        return (function(a) - function(a0)) / (a - a0)

    s, s0 = lstm_loop(p, x), lstm_loop(p, x0)
    H, T, F = len(w), len(x), len(x[0])
    m_h, m_c = list(w), [0.0] * H
    R = np.zeros((T, F))
    for t in reversed(range(T)):
        now, now0 = s[t], s0[t]
        before = s[t - 1]["c"] if t else [0.0] * H
        before0 = s0[t - 1]["c"] if t else [0.0] * H
        m_before = [0.0] * H
        m_h_before = [0.0] * H
        for u in range(H):
            tc, tc0 = math.tanh(now["c"][u]), math.tanh(now0["c"][u])
            m_o = m_h[u] * (tc + tc0) / 2
            m_tc = m_h[u] * (now["o"][u] + now0["o"][u]) / 2
            m = m_c[u] + m_tc * rescale(math.tanh, now["c"][u], now0["c"][u])
            into = {
                "i": m
                * (now["g"][u] + now0["g"][u])
                / 2
                * rescale(logistic, now["a_i"][u], now0["a_i"][u]),
                "f": m
                * (before[u] + before0[u])
                / 2
                * rescale(logistic, now["a_f"][u], now0["a_f"][u]),
                "c": m
                * (now["i"][u] + now0["i"][u])
                / 2
                * rescale(math.tanh, now["a_g"][u], now0["a_g"][u]),
                "o": m_o * rescale(logistic, now["a_o"][u], now0["a_o"][u]),
            }
            m_before[u] = m * (now["f"][u] + now0["f"][u]) / 2
            for gate, m_a in into.items():
                for k in range(F):
                    R[t, k] += m_a * p["W_" + gate][k][u] * (x[t][k] - x0[t][k])
                for k in range(H):
                    m_h_before[k] += m_a * p["U_" + gate][k][u]
        m_h, m_c = m_h_before, m_before
    return R
