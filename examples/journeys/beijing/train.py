"""Train a Keras LSTM on the hourly air of Beijing, as tutorials do, and dump its scaler by joblib.

Run from any folder, with the series that UCI publishes as "Beijing PM2.5 Data"::

    pip install "rnnlens[keras]" torch scikit-learn
    python examples/journeys/beijing/train.py beijing-pm25.csv

It writes ``pollution.keras`` and ``scaler.joblib`` beside where it is run. What it does with the
data is what most tutorials do, wise or not: missing pollution is 0, wind directions are numbered by
scikit-learn's ``LabelEncoder``, all eight columns are scaled to 0..1 by one ``MinMaxScaler``, and
the network takes 6 hours of them and forecasts the first, one hour ahead.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import joblib
import keras
import numpy as np
import pandas as pd
from keras.layers import LSTM, Dense
from sklearn.preprocessing import LabelEncoder, MinMaxScaler

HOURS, BATCH = 6, 256
COLUMNS = ["pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir"]
#: Rows that training sees: the first year, as in the tutorials.
TRAINING = 365 * 24


def main() -> None:
    """Train, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", type=Path, help="the series as UCI publishes it")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path())
    options = parser.parse_args()
    keras.utils.set_random_seed(7)

    table = pd.read_csv(options.series)[COLUMNS]
    table["pm2.5"] = table["pm2.5"].fillna(0)
    table["cbwd"] = LabelEncoder().fit_transform(table["cbwd"])
    scaler = MinMaxScaler()
    values = scaler.fit_transform(table.to_numpy("float32"))

    training = values[:TRAINING]
    sliding = np.lib.stride_tricks.sliding_window_view(training[:-1], HOURS, axis=0)
    X, y = sliding.transpose(0, 2, 1), training[HOURS:, 0]

    network = keras.Sequential([keras.Input((HOURS, len(COLUMNS))), LSTM(16), Dense(1)])
    steps = options.epochs * -(-len(X) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(2e-2, steps)
    network.compile(loss="mae", optimizer=keras.optimizers.Adam(rate))
    network.fit(X, y, epochs=options.epochs, batch_size=BATCH, verbose=2)

    options.out.mkdir(parents=True, exist_ok=True)
    network.save(options.out / "pollution.keras")
    joblib.dump(scaler, options.out / "scaler.joblib", compress=3)


if __name__ == "__main__":
    main()
