"""Keras networks in pipelines of scikit-learn, wrapped by scikeras, beside what `predict` gives."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from case import seeded
from scikeras.wrappers import KerasRegressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from worked import Worked, worked

import rnnlens

STEPS, FEATURES, ROWS = 20, 3, 120
FEW = rnnlens.Certificates(windows=1)


def build() -> keras.Model:
    """Lay a row of 60 numbers out as 20 steps, and read them."""
    return keras.Sequential([
        keras.Input((STEPS * FEATURES,)),
        keras.layers.Reshape((STEPS, FEATURES)),
        keras.layers.LSTM(6),
        keras.layers.Dense(1),
    ])


# -- on the page --
def example(X: np.ndarray, y: np.ndarray) -> tuple[Worked, TransformedTargetRegressor]:
    """Explain what a pipeline predicts, in the unit of its target."""
    from rnnlens.adapters.scikeras import to_native

    network = KerasRegressor(build, epochs=3, verbose=0, optimizer="adam", loss="mse")
    pipeline = make_pipeline(StandardScaler(), network)
    model = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
    model.fit(X, y)  # (sample, step x feature)

    net = rnnlens.read(model)  # both scalers are layers of it
    windows = rnnlens.windows(model, X)
    explained = rnnlens.explain(net, windows)
    table = rnnlens.lags(net, windows, y, certificates=FEW)
    return Worked(net, windows, explained, table, to_native(explained)), model


# -- end --


def main() -> None:
    """Run the example, and a pipeline with two scalers and none behind."""
    from rnnlens.adapters.scikeras import to_native

    rng = seeded()
    X = rng.normal(12, 3, size=(ROWS, STEPS * FEATURES))
    y = 7 + 2 * X[:, -3] - X[:, -6] + rng.normal(size=ROWS)
    made, model = example(X, y)
    worked("scikeras", "StandardScaler > KerasRegressor, target scaled", made, model.predict(X))
    network = KerasRegressor(build, epochs=3, verbose=0, optimizer="adam", loss="mse")
    two = make_pipeline(MinMaxScaler(), "passthrough", StandardScaler(), network).fit(X, y)
    windows = rnnlens.windows(two, X)
    explained = rnnlens.explain(rnnlens.read(two), windows, method="secant")
    made = Worked(rnnlens.read(two), windows, explained, None, to_native(explained))
    worked("scikeras", "MinMaxScaler > StandardScaler > KerasRegressor", made, two.predict(X))


if __name__ == "__main__":
    main()
