"""Random networks of what the page's module runs, from a seed: a chain of layers, one forecast."""

import numpy as np

from networks import CELLS, cell, chain, head
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation

FUNCTIONS = [
    Activation("elu", {"alpha": 0.7}),
    Activation("exponential"),
    Activation("hard_sigmoid", {"slope": 0.2}),
    Activation("hard_tanh"),
    Activation("linear"),
    Activation("relu"),
    Activation("relu", {"negative_slope": 0.1, "threshold": 0.2, "max_value": 1.5}),
    Activation("selu"),
    Activation("sigmoid"),
    Activation("softplus"),
    Activation("softsign"),
    Activation("tanh"),
]
#: What a window's padded steps hold.
PADDING = -9.0


def _recurrent(rng, width, sequences):
    units = int(rng.integers(2, 6))

    def one(back):
        phi, sigma = Activation("tanh"), Activation("sigmoid")
        if rng.random() < 0.3:
            phi, sigma = Activation("softsign"), Activation("hard_sigmoid", {"slope": 0.2})
        kind = str(rng.choice(CELLS))
        return L.Recurrent(
            cell(kind, rng, width, units, phi=phi, sigma=sigma),
            go_backwards=back,
            return_sequences=sequences,
            zero_output_for_mask=bool(rng.random() < 0.5),
        )

    if rng.random() < 0.4:
        merge = str(rng.choice(["concat", "sum", "mul", "ave"]))
        forward = one(False)
        while True:  # the two directions have outputs of one size
            backward = one(True)
            if backward.cell.state_sizes[0] == forward.cell.state_sizes[0]:
                break
        backward = L.Recurrent(
            backward.cell, True, sequences, zero_output_for_mask=forward.zero_output_for_mask
        )
        size = forward.cell.state_sizes[0] * (2 if merge == "concat" else 1)
        return L.Bidirectional(forward, backward, merge), size
    layer = one(bool(rng.random() < 0.2))
    return layer, layer.cell.state_sizes[0]


def page_network_of(seed):
    """Give a network and windows (sample, step, feature), some of them padded."""
    rng = np.random.default_rng(seed)
    steps, features = int(rng.integers(4, 9)), int(rng.integers(1, 5))
    masked = rng.random() < 0.4
    layers = [L.Masking(PADDING)] if masked else []
    width, depth = features, int(rng.integers(1, 4))
    if not masked and rng.random() < 0.5:
        moments = rng.normal(size=features), 0.5 + rng.random(features)
        layers.append(L.BatchNormalization(*moments, gamma=rng.normal(size=features)))
    for number in range(depth):
        layer, width = _recurrent(rng, width, number < depth - 1)
        layers.append(layer)
        if number < depth - 1 and rng.random() < 0.3:
            layers.append(L.TimeDistributed(head(rng, width, width, "tanh")))
    for _ in range(int(rng.integers(1, 3))):
        hidden = int(rng.integers(2, 5))
        phi = FUNCTIONS[int(rng.integers(len(FUNCTIONS)))]
        layers += [L.Dense(rng.normal(size=(width, hidden)), rng.normal(size=hidden), phi)]
        width = hidden
    layers += [L.Identity("Dropout"), head(rng, width, 2)]
    x = rng.normal(size=(6, steps, features))
    if masked:
        for sample in range(4):
            x[sample, : sample + 1] = PADDING
    return chain(*layers, shape=(steps, features)), x.astype(np.float32).astype(float)
