"""Explain each new forecast as it is issued: rows arrive one by one, hour after hour."""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

import rnnlens

net = rnnlens.read("weather.keras")
past = rnnlens.windows("weather.csv", "weather.toml")
explain = rnnlens.explainer(net, past, target="temp")
STEPS = past.values.shape[1]


def told(rows: Iterable[np.ndarray]) -> Iterator[str]:
    """Say of each forecast which input moved it most: rows (feature,) in the network's units."""
    window: deque[np.ndarray] = deque(maxlen=STEPS)
    for row in rows:
        window.append(row)
        if len(window) < STEPS:
            continue  # no forecast yet
        found = explain(np.array([window]))
        lag, feature = np.unravel_index(
            abs(found.contribution[0]).argmax(), found.contribution[0].shape
        )
        moved = found.contribution[0, lag, feature]
        yield (
            f"{found.forecast[0]:.1f} {explain.unit}, most by {explain.features[feature]} "
            f"at lag {lag + 1}: {moved:+.1f} {explain.unit}"
        )


if __name__ == "__main__":
    for line in told(np.concatenate([past.values[0], past.values[1:25, -1]])):
        print(line)
