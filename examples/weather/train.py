"""Train the weather network of the demo: 24 hours in, every feature 6 hours ahead out.

Run it with ``python examples/weather/train.py``; it needs ``pip install "rnnlens[keras,demo]"`` and
one of Keras's backends (PyTorch unless ``KERAS_BACKEND`` says otherwise). It prints what it found
wrong in the data, how the year is split, and how the network does beside two simple forecasts on
months that it never saw. It writes ``weather.keras``, ``weather.toml`` and ``weather-outputs.npz``,
the three files that ship with rnnlens, and the prepared features as ``weather.csv``.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np

from rnnlens.demo.weather import (
    FEATURES,
    HELD,
    UNITS,
    demo_files,
    measured,
    prepare,
    read_weather,
    write_csv,
)
from rnnlens.series.build import windows_from_table
from rnnlens.series.sidecar import Sidecar, Variable

if TYPE_CHECKING:
    import pandas as pd

    from rnnlens.series.windows import Windows

AIRPORT = "JFK"
WINDOW, LEAD, UNITS_OF_LSTM = 24, 6, 32
VALIDATION_FROM = "2013-08-01"
TEST_FROM = "2013-09-01"
SEED = 1
SAMPLE = 64


def main() -> None:
    """Train, report and write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here, package = Path(__file__).parent, demo_files().network.parent
    parser.add_argument("--out", type=Path, default=package, help="folder of the three demo files")
    parser.add_argument("--csv", type=Path, default=here / "weather.csv", help="prepared features")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    raw = read_weather()
    table, faults = prepare(raw, AIRPORT)
    print(f"Hourly weather at {AIRPORT}, 2013. Faults found:")
    for fault in faults:
        print(f"- {fault}")

    sidecar = describe(table)
    blocks = {
        "training": windows_from_table(table, sidecar, end=VALIDATION_FROM),
        "validation": windows_from_table(table, sidecar, start=VALIDATION_FROM, end=TEST_FROM),
        "test": windows_from_table(table, sidecar, start=TEST_FROM),
    }
    blocks = {name: complete(block) for name, block in blocks.items()}
    print("\nThe split by time; no window crosses it:")
    for name, block in blocks.items():
        first, last = (str(moment)[:16].replace("T", " ") for moment in block.times[[0, -1]])
        print(f"- {name:<10} {len(block):5d} windows, forecasts for {first} to {last} UTC")

    network = train(blocks["training"], blocks["validation"])
    flags = measured(raw, AIRPORT).reindex(blocks["test"].times).to_numpy()
    print(f"\nRMSE {LEAD} hours ahead, on measured hours of the test months:")
    print(score(network, blocks, table, flags))

    network.save(options.out / "weather.keras")
    (options.out / "weather.toml").write_text(sidecar.to_toml(), encoding="utf-8")
    save_outputs(network, blocks["test"], options.out / "weather-outputs.npz")
    options.csv.write_bytes(write_csv(table).encode())
    print(f"\nWrote weather.keras, weather.toml and weather-outputs.npz to {options.out}")
    print(f"Wrote {options.csv}")


def describe(table: pd.DataFrame) -> Sidecar:
    """Scale by the training months alone; four significant digits keep the sidecar readable."""
    training = table[table.index < VALIDATION_FROM]
    features = []
    for name in FEATURES:
        calendar = name in HELD
        mean = 0.0 if calendar else float(f"{training[name].mean():.4g}")
        scale = 1.0 if calendar else float(f"{training[name].std(ddof=0):.4g}")
        features.append(Variable(name, UNITS[name], mean, scale, held=calendar))
    return Sidecar(
        title=f"Hourly weather at {AIRPORT} airport, New York, 2013",
        time="time",
        step="1h",
        window=WINDOW,
        lead=LEAD,
        target="temp",
        test_from=np.datetime64(TEST_FROM, "ns"),
        features=tuple(features),
    )


def complete(block: Windows) -> Windows:
    """Keep the windows whose outcome is known."""
    assert block.actual is not None
    return block.select(np.isfinite(block.actual).all(axis=1))


def outcome(block: Windows) -> np.ndarray:
    """Give what happened in network units."""
    assert block.actual is not None
    return block.target_scaling.apply(block.actual)


def train(training: Windows, validation: Windows) -> Any:
    """Fit the network; stop when the validation month no longer gets better."""
    import keras

    keras.utils.set_random_seed(SEED)
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(2)
        torch.use_deterministic_algorithms(True)
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((WINDOW, len(FEATURES)), name="weather"),
            layers.LSTM(UNITS_OF_LSTM, return_sequences=False, name="lstm"),
            layers.Dense(len(FEATURES), name="dense"),
            layers.Activation("linear", name="forecast"),
        ],
        name="weather",
    )
    network.compile(optimizer=keras.optimizers.AdamW(2e-3, weight_decay=0.1), loss="mse")
    began = time.perf_counter()
    history = network.fit(
        training.values.astype(np.float32),
        outcome(training).astype(np.float32),
        validation_data=(
            validation.values.astype(np.float32),
            outcome(validation).astype(np.float32),
        ),
        epochs=60,
        batch_size=128,
        shuffle=True,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=8, restore_best_weights=True),
        ],
    )
    losses = history.history["val_loss"]
    print(
        f"\nTrained {len(losses)} epochs in {time.perf_counter() - began:.0f} s with Keras "
        f"{keras.__version__} on {keras.backend.backend()}; kept epoch {np.argmin(losses) + 1}."
    )
    return network


def predict(network: Any, block: Windows) -> np.ndarray:
    """Run the network in float32, as it is stored."""
    return np.asarray(network.predict(block.values.astype(np.float32), batch_size=512, verbose=0))


def score(network: Any, blocks: dict[str, Windows], table: pd.DataFrame, flags: np.ndarray) -> str:
    """Tabulate the RMSE of three forecasts for each feature, in its own unit."""
    test = blocks["test"]
    training = table[table.index < VALIDATION_FROM]
    by_hour = training.groupby(training.index.hour).mean()
    hour = test.times.astype("datetime64[h]").astype(int) % 24
    forecasts = {
        "network": test.target_scaling.undo(predict(network, test)),
        "persistence": test.original[:, -1],
        "climatology": by_hour.to_numpy()[hour],
    }
    lines = [f"{'feature':<10}{'unit':>5}" + "".join(f"{name:>13}" for name in forecasts)]
    assert test.actual is not None
    for column, name in enumerate(FEATURES):
        use = flags[:, column]
        errors = [
            np.sqrt(np.mean((forecast[use, column] - test.actual[use, column]) ** 2))
            for forecast in forecasts.values()
        ]
        lines.append(f"{name:<10}{UNITS[name]:>5}" + "".join(f"{e:13.3f}" for e in errors))
    return "\n".join(lines)


def save_outputs(network: Any, test: Windows, path: Path) -> None:
    """Store test windows and what Keras made of them, for checks where Keras is not installed."""
    import keras

    chosen = np.sort(np.random.default_rng(SEED).choice(len(test), SAMPLE, replace=False))
    sample = test.select(chosen)
    np.savez_compressed(
        path,
        X=sample.values.astype(np.float32),
        scaled=True,
        times=sample.times,
        outputs=predict(network, sample).astype(np.float32),
        keras=keras.__version__,
        backend=keras.backend.backend(),
    )


if __name__ == "__main__":
    main()
