"""Naive twins of the comparison methods: from their papers, number by number, slow and obvious."""

import math

from naive import logistic, lstm_loop


def lstm_forecast(p, w, b, x):
    """A linear head on the last step of one LSTM."""
    h = lstm_loop(p, x)[-1]["h"]
    return sum(w[u] * h[u] for u in range(len(h))) + b


def gradient_by_differences(f, x, e=1e-5):
    """Central differences of f with respect to every number of a window."""
    found = []
    for t in range(len(x)):
        row = []
        for k in range(len(x[0])):
            up, down = [list(r) for r in x], [list(r) for r in x]
            up[t][k] += e
            down[t][k] -= e
            row.append((f(up) - f(down)) / (2 * e))
        found.append(row)
    return found


def integrated_by_midpoints(f, x, x0, count):
    """Riemann's sum of the definition, derivatives by differences."""
    T, F = len(x), len(x[0])
    total = [[0.0] * F for _ in range(T)]
    for n in range(count):
        u = (n + 0.5) / count
        here = [[x0[t][k] + u * (x[t][k] - x0[t][k]) for k in range(F)] for t in range(T)]
        slope = gradient_by_differences(f, here)
        for t in range(T):
            for k in range(F):
                total[t][k] += slope[t][k] / count * (x[t][k] - x0[t][k])
    return total


def occluded(f, x, x0, hidden):
    """What hiding some numbers takes from f; ``hidden`` holds pairs of step and feature."""
    mixed = [list(row) for row in x]
    for t, k in hidden:
        mixed[t][k] = x0[t][k]
    return f(x) - f(mixed)


def oldest_first(f, x, x0):
    """What each step adds to all older ones."""
    added = []
    for t in range(len(x)):
        with_it = [list(x[s]) if s <= t else list(x0[s]) for s in range(len(x))]
        without = [list(x[s]) if s < t else list(x0[s]) for s in range(len(x))]
        added.append(f(with_it) - f(without))
    return added


def written_by_lstm(p, x):
    """What each step wrote into each unit, carried on step by step as in c' = f c + i g."""
    H = len(p["b_i"])
    pieces = []
    for s in lstm_loop(p, x):
        pieces = [[s["f"][u] * piece[u] for u in range(H)] for piece in pieces]
        pieces.append([s["i"][u] * s["g"][u] for u in range(H)])
    return pieces


def straight_line_readout(p, w, x):
    """The mean slope of tanh from 0 to the cell state, by midpoints, times each write."""
    pieces, last = written_by_lstm(p, x), lstm_loop(p, x)[-1]
    H, count = len(w), 20000
    slopes = []
    for u in range(H):
        along = (math.tanh((n + 0.5) / count * last["c"][u]) for n in range(count))
        slopes.append(sum(1 - v * v for v in along) / count)
    return [sum(w[u] * last["o"][u] * slopes[u] * piece[u] for u in range(H)) for piece in pieces]


def written_by_gru(steps):
    """What each step wrote into each unit, carried on as in h' = z h + (1 - z) n."""
    pieces = []
    for s in steps:
        H = len(s["h"])
        pieces = [[s["z"][u] * piece[u] for u in range(H)] for piece in pieces]
        pieces.append([(1 - s["z"][u]) * s["n"][u] for u in range(H)])
    return pieces


def _epsilon(z, eps):
    return z + (eps if z >= 0 else -eps)


def _sum_rule(inputs, weights, bias, R, eps, delta):
    """The epsilon rule of one sum: relevance of each of its inputs."""
    z = sum(x * w for x, w in zip(inputs, weights, strict=True)) + bias
    sign = 1.0 if z >= 0 else -1.0
    N = len(inputs)
    return [
        (x * w + delta * (bias + eps * sign) / N) / _epsilon(z, eps) * R
        for x, w in zip(inputs, weights, strict=True)
    ]


def lstm_lrp(p, w, b, x, eps, delta=0.0):
    """LRP with the gating rule, for ``f = w h_T + b``: of each number, and at the start."""
    H, T, F = len(w), len(x), len(x[0])
    steps = lstm_loop(p, x)
    h_T = steps[-1]["h"]
    R_h = _sum_rule(h_T, w, b, lstm_forecast(p, w, b, x), eps, delta)
    R_c = [0.0] * H
    R_x = [[0.0] * F for _ in range(T)]
    for t in reversed(range(T)):
        s = steps[t]
        h = steps[t - 1]["h"] if t else [0.0] * H
        c = steps[t - 1]["c"] if t else [0.0] * H
        R_h_before, R_c_before = [0.0] * H, [0.0] * H
        for u in range(H):
            kept, new = s["f"][u] * c[u], s["i"][u] * s["g"][u]
            here = _sum_rule([kept, new], [1.0, 1.0], 0.0, R_c[u] + R_h[u], eps, delta)
            R_c_before[u], R_g = here
            inputs = [*x[t], *h]
            weights = [p["W_c"][k][u] for k in range(F)] + [p["U_c"][k][u] for k in range(H)]
            given = _sum_rule(inputs, weights, p["b_c"][u], R_g, eps, delta)
            for k in range(F):
                R_x[t][k] += given[k]
            for k in range(H):
                R_h_before[k] += given[F + k]
        R_h, R_c = R_h_before, R_c_before
    return R_x, sum(R_h) + sum(R_c)


def gru_lrp(p, w, b, x, steps, reset_after, eps):
    """LRP through a GRU, bias factor 0, from the steps of its naive loop."""
    H, T, F = len(w), len(x), len(x[0])
    h_T = steps[-1]["h"]
    f = sum(w[u] * h_T[u] for u in range(H)) + b
    R_h = _sum_rule(h_T, w, b, f, eps, 0.0)
    R_x = [[0.0] * F for _ in range(T)]
    for t in reversed(range(T)):
        s = steps[t]
        h = steps[t - 1]["h"] if t else [0.0] * H
        before = [0.0] * H
        for u in range(H):
            kept, new = s["z"][u] * h[u], (1 - s["z"][u]) * s["n"][u]
            to_h, R_n = _sum_rule([kept, new], [1.0, 1.0], 0.0, R_h[u], eps, 0.0)
            before[u] += to_h
            share = R_n / _epsilon(s["a_n"][u], eps)
            for k in range(F):
                R_x[t][k] += x[t][k] * p["W_n"][k][u] * share
            for k in range(H):
                r = s["r"][u] if reset_after else s["r"][k]
                before[k] += h[k] * r * p["U_n"][k][u] * share
        R_h = before
    return R_x


def lstm_decomposition(p, w, x, first, last):
    """Contextual decomposition of ``w h_T``: the scores of steps first to last, and of the rest."""
    H, F = len(w), len(x[0])

    def shared(phi, r, q, b):
        """The mean over the two orders in which r and q join the bias."""
        r_then_q = phi(b + r) - phi(b), phi(b + r + q) - phi(b + r)
        q_then_r = phi(b + q + r) - phi(b + q), phi(b + q) - phi(b)
        return (r_then_q[0] + q_then_r[0]) / 2, (r_then_q[1] + q_then_r[1]) / 2, phi(b)

    beta, gamma, beta_c, gamma_c = ([0.0] * H for _ in range(4))
    for t in range(len(x)):
        inside = first <= t <= last
        new = [[0.0] * H for _ in range(4)]
        for u in range(H):
            part = {}
            for gate, phi in (("i", logistic), ("f", logistic), ("c", math.tanh), ("o", None)):
                from_x = sum(x[t][k] * p["W_" + gate][k][u] for k in range(F))
                r = sum(beta[k] * p["U_" + gate][k][u] for k in range(H))
                q = sum(gamma[k] * p["U_" + gate][k][u] for k in range(H))
                r, q = (r + from_x, q) if inside else (r, q + from_x)
                b = p["b_" + gate][u]
                part[gate] = r + q + b if phi is None else shared(phi, r, q, b)
            factors = [
                (part["f"], (beta_c[u], gamma_c[u], 0.0)),
                (part["i"], part["c"]),
            ]
            for left, right in factors:
                for a, a_kind in zip(left, "rqb", strict=True):
                    for v, v_kind in zip(right, "rqb", strict=True):
                        kinds = a_kind + v_kind
                        relevant = inside if kinds == "bb" else "q" not in kinds
                        new[2 if relevant else 3][u] += a * v
            o, bc, gc = logistic(part["o"]), new[2][u], new[3][u]
            first_order = math.tanh(bc), math.tanh(bc + gc) - math.tanh(bc)
            other_order = math.tanh(bc + gc) - math.tanh(gc), math.tanh(gc)
            new[0][u] = o * (first_order[0] + other_order[0]) / 2
            new[1][u] = o * (first_order[1] + other_order[1]) / 2
        beta, gamma, beta_c, gamma_c = new
    return sum(w[u] * beta[u] for u in range(H)), sum(w[u] * gamma[u] for u in range(H))
