"""Two layers that both give every step, of which the last is read, and the same as plain loops."""

import numpy as np

from naive import gru_loop, lstm_loop
from networks import cell, chain, equations
from rnnlens.network.axes import Index
from rnnlens.network.layers import Dense, Recurrent


def two_layers_by_hand(rng, steps, features):
    lower, upper = cell("lstm", rng, features, 4), cell("gru", rng, 4, 3)
    weights = rng.normal(size=(3, 1))
    network = chain(
        Recurrent(lower, return_sequences=True),
        Recurrent(upper, return_sequences=True),
        Index(axis=1, index=-1),
        Dense(weights),
        shape=(steps, features),
    )

    def by_hand(x):
        h = [step["h"] for step in lstm_loop(equations(lower), x.tolist())]
        last = gru_loop(equations(upper), h, upper.reset_after)[-1]["h"]
        return float(np.array(last) @ weights[:, 0])

    return network, by_hand
