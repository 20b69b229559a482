"""Attempts to move a forecast further than a certificate allows: random, corners, ascent."""

import numpy as np

from questions import question
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.engine.forward import predict


def outputs(network, inputs, target):
    found = predict(network, inputs)
    return target.pick(found if isinstance(found, tuple) else (found,))


def placed(x, step, features, values):
    """Copies of one window, one for each row of values."""
    many = np.repeat(x[None], len(values), axis=0)
    many[:, step, features] = values
    return many


def strongest_attack(network, target, x, step, features, low, high, *, count, rng, rounds=20):
    """The largest change of one window's forecast that about ``count`` attempts attain."""
    free = len(features)
    own = outputs(network, {"x": x[None]}, target)[0]

    def moved(values):
        return outputs(network, {"x": placed(x, step, features, values)}, target) - own

    start = 16
    at_random = low + (high - low) * rng.random((count - (rounds + 1) * 2 * start, free))
    corners = np.where(rng.random((2**free if free <= 6 else 64, free)) < 0.5, low, high)
    values = np.concatenate([at_random, corners, [low, high]])
    best = np.abs(moved(values)).max()
    for sign in (1.0, -1.0):
        now = low + (high - low) * rng.random((start, free))
        size = 0.25 * (high - low)
        for _ in range(rounds):
            d = gradient(
                question(network, {"x": placed(x, step, features, now)}, target)
            ).sensitivity
            slope = d[:, x.shape[0] - 1 - step][:, features]
            now = np.clip(now + sign * size * np.sign(slope), low, high)
            best = max(best, np.abs(moved(now)).max())
            size = size * 0.75
    return best
