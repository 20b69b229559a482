"""Networks that give several future steps at once, with a sidecar that does not say so."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers as K

import rnnlens
from rnnlens.errors import DataError

#: The targets as they are first stated, as the refusal advises, and what it says of them.
KINDS = {
    "six steps of one": ("close = {}", "close = { horizons = 6 }", 6, "horizons = 6"),
    "three steps of two": (
        "close = {}\nvolume = {}",
        "close = { horizons = 3 }\nvolume = { horizons = 3 }",
        6,
        "horizons = 3",
    ),
    "two steps of one": ("volume = {}", "volume = { horizons = 2 }", 2, "horizons = 2"),
    "two targets and no steps": ("close = {}", "close = {}\nvolume = {}", 2, "in its order"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_targets_that_a_sidecar_leaves_out_are_stated_as_the_refusal_advises(
    kind, rng, tmp_path: Path
):
    first, advised, count, says = KINDS[kind]
    model = keras.Sequential([keras.Input((5, 2)), K.LSTM(3), K.Dense(count)])
    model.set_weights([rng.normal(size=one.shape) * 0.4 for one in model.get_weights()])
    network = rnnlens.read(model)
    series = pd.DataFrame({
        "close": np.cumsum(rng.normal(size=40)), "volume": rng.normal(size=40)
    })  # fmt: skip
    sidecar = tmp_path / "sidecar.toml"

    def windows(targets):
        sidecar.write_text(
            "window = 5\n[features]\nclose = { mean = 0, scale = 1 }\n"
            f"volume = {{ mean = 0, scale = 1 }}\n[targets]\n{targets}\n",
            encoding="utf-8",
        )
        return rnnlens.windows(series, sidecar)

    with pytest.raises(DataError, match=f"but the network gives {count}: .*{says}"):
        rnnlens.explain(network, windows(first))
    given = windows(advised)
    forecast = model.predict(given.values.astype("float32"), verbose=0)
    last = list(given.targets)[-1]
    found = rnnlens.explain(network, given, target=last, baseline="zero")
    # Keras computes in float32
    np.testing.assert_allclose(found.forecast, forecast[:, -1], rtol=0, atol=1e-6)
    at_zero = model.predict(np.zeros((1, 5, 2), "float32"), verbose=0)[0, -1]
    change = found.contribution.sum(["lag", "feature"])
    np.testing.assert_allclose(change, forecast[:, -1] - at_zero, rtol=0, atol=1e-6)
