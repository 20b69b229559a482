"""A network that carries its state from call to call, and a sidecar of its series."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import rnnlens

#: Steps of the windows, and rows of the series.
STEPS, ROWS = 60, 75

SIDECAR = """
time = "hour"
window = 60
lead = 1

[features]
load = { unit = "MW", mean = 40, scale = 8 }
heat = { unit = "K", mean = 280, scale = 10 }

[targets]
load = {}
"""


def _model(folder, *layers):
    import keras

    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.Input(batch_shape=(1, 1, 2)), *layers])
    made.save(folder / "load.keras")
    return made


@pytest.fixture
def files(tmp_path, rng):
    from keras import layers as L

    model = _model(tmp_path, L.LSTM(4, stateful=True, name="lstm"), L.Dense(1))
    (tmp_path / "load.toml").write_text(SIDECAR, encoding="utf-8")
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h")
    table = pd.DataFrame({
        "hour": hours,
        "load": 40 + 8 * rng.normal(size=ROWS),
        "heat": 280 + 10 * rng.normal(size=ROWS),
    })
    table.to_csv(tmp_path / "load.csv", index=False)
    return tmp_path, model, table


def _by_calls(model, table):
    """The forecast of the newest window in MW, one call a step from a state of zeros."""
    scaled = (table[["load", "heat"]].to_numpy()[-STEPS:] - [40, 280]) / [8, 10]
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()
    for step in scaled:
        given = model(step[None, None].astype("float32"))
    return 40 + 8 * float(np.asarray(given.detach().cpu())[0, 0])


def test_windows_of_an_unrolled_network_are_asked_about_from_the_command_line(call, files):
    folder, model, table = files
    given = folder / "load.keras", folder / "load.csv", "--unroll", STEPS
    said = call("explain", *given, "--method", "secant", "--baseline", "zero", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert found["sizes"]["lag"] == STEPS
    forecast = found["variables"]["forecast"]["values"][-1]
    # Keras runs float32, whose rounding is 6e-8 of 40 MW, a few times over
    np.testing.assert_allclose(forecast, _by_calls(model, table), rtol=0, atol=2e-5)
    assert found["attrs"]["starts_from"] == "lstm from zeros"
    lags = call("lags", *given, "--no-test", "--windows", "1", "--replacements", "3")
    assert lags.code == 0, lags.err
    assert "older than t-" in " ".join(lags.out.split())
    assert "every window starts lstm from zeros" in " ".join(lags.out.split())


def test_an_unrolled_network_is_compared_with_its_file_or_that_is_refused(files):
    folder, _, _ = files
    from keras import layers as L

    net = rnnlens.read(folder / "load.keras", unroll=STEPS)
    windows = rnnlens.windows(folder / "load.csv", folder / "load.toml").newest(2)
    assert rnnlens.fidelity(net, folder / "load.keras", windows).attrs["agrees"]
    _model(folder, L.GRU(4, stateful=True, go_backwards=True), L.Dense(1))
    back = rnnlens.read(folder / "load.keras", unroll=STEPS)
    with pytest.raises(rnnlens.errors.InputError, match="is 60 calls of the source"):
        rnnlens.fidelity(back, folder / "load.keras", windows)
