"""Run folders of neuralhydrology that are damaged or do not tell enough, and tables beside."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from refused.registry import section
from rnnlens.api import read, windows

case = section("Run folders of neuralhydrology")

DATA = Path(__file__).parents[1] / "data" / "neuralhydrology"


def run(folder: Path, which: str = "cudalstm", **changes: object) -> Path:
    """Copy a run folder, some of whose settings are others; None leaves one out."""
    made = folder / "run"
    shutil.copytree(DATA / which, made)
    path = made / "config.yml"
    held = yaml.safe_load(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in held.items() if v is not None}))
    return made


def scaled(folder: Path, change: Any, **changes: object) -> Path:
    """Copy a run folder, whose scaler is changed."""
    made = run(folder, **changes)
    path = made / "train_data" / "train_data_scaler.yml"
    held = yaml.safe_load(path.read_text())
    change(held)
    path.write_text(json.dumps(held))
    return made


def series() -> pd.DataFrame:
    """Give the tables of both basins."""
    return pd.read_csv(DATA / "series.csv")


def lower() -> pd.DataFrame:
    """Give the table of one of them, which does not say whose it is."""
    both = series()
    return both[both.basin == "lower"].drop(columns="basin")


@case("another model")
def _(folder: Path) -> None:
    read(run(folder, model="mtslstm"))


@case("another head")
def _(folder: Path) -> None:
    read(run(folder, head="gmm"))


@case("a setting that is not followed")
def _(folder: Path) -> None:
    read(run(folder, nan_handling_method="masked_mean"))


@case("several time steps")
def _(folder: Path) -> None:
    read(run(folder, dynamic_inputs={"1D": ["precip"], "1h": ["temp"]}))


@case("no number of steps")
def _(folder: Path) -> None:
    read(run(folder, seq_length="many"))


@case("another epoch")
def _(folder: Path) -> None:
    read(run(folder), part="model_epoch003")


@case("a pickled scaler")
def _(folder: Path) -> None:
    made = run(folder)
    (made / "train_data" / "train_data_scaler.yml").rename(
        made / "train_data" / "train_data_scaler.p"
    )
    read(made)


@case("no scaler")
def _(folder: Path) -> None:
    made = run(folder)
    (made / "train_data" / "train_data_scaler.yml").unlink()
    read(made)


@case("settings that are too long")
def _(folder: Path) -> None:
    made = run(folder)
    with (made / "config.yml").open("r+b") as file:
        file.truncate(64 * 1024**2 + 1)
    read(made)


@case("settings that are no text")
def _(folder: Path) -> None:
    made = run(folder)
    (made / "config.yml").write_bytes(b"\xff\xfe\xff")
    read(made)


@case("settings that are no mapping")
def _(folder: Path) -> None:
    made = run(folder)
    (made / "config.yml").write_text("7")
    read(made)


@case("settings that are damaged")
def _(folder: Path) -> None:
    made = run(folder)
    (made / "config.yml").write_text("a: [")
    read(made)


@case("a scaler of texts")
def _(folder: Path) -> None:
    read(scaled(folder, lambda held: held["attribute_means"].update(area="many")))


@case("a scaler of other variables")
def _(folder: Path) -> None:
    made = scaled(folder, lambda held: held["attribute_means"].pop("area"))
    windows(made, series(), static=DATA / "attributes.csv")


@case("a scale of zero")
def _(folder: Path) -> None:
    made = scaled(folder, lambda held: held["attribute_stds"].update(area=0.0))
    windows(made, series(), static=DATA / "attributes.csv")


@case("weights of another shape")
def _(folder: Path) -> None:
    read(run(folder, hidden_size=7))


@case("an embedding of another kind")
def _(folder: Path) -> None:
    read(run(folder, statics_embedding={"type": "fc", "hiddens": [3], "activation": "elu"}))


@case("an EA-LSTM without attributes")
def _(folder: Path) -> None:
    read(run(folder, "ealstm", static_attributes=None))


@case("attributes of several basins")
def _(_: Path) -> None:
    windows(DATA / "cudalstm", lower(), static=DATA / "attributes.csv")


@case("an attribute that is missing")
def _(_: Path) -> None:
    windows(DATA / "cudalstm", series(), static={"basin": ["lower"], "area": [1.0]})


@case("attributes that are no table")
def _(_: Path) -> None:
    windows(DATA / "cudalstm", series(), static=3)


@case("a code of the basin, and data that do not say whose they are")
def _(folder: Path) -> None:
    windows(run(folder, "embedded"), lower(), static={"area": 2.0, "slope": 0.1})


@case("a scaler beside the run")
def _(_: Path) -> None:
    windows(DATA / "cudalstm", series(), scaler=object())
