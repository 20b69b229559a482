"""Run folders of neuralhydrology, read as files, beside what its own code forecasts from them."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from case import seeded
from neuralhydrology.datasetzoo import get_dataset
from neuralhydrology.datautils.utils import load_scaler
from neuralhydrology.evaluation.utils import load_basin_id_encoding
from neuralhydrology.modelzoo import get_model
from neuralhydrology.nh_run import start_run
from neuralhydrology.utils.config import Config
from with_neuralhydrology import RUNS, basins, config
from worked import Worked, worked

import rnnlens

PERIOD = {"start": "2002-01-01", "end": "2002-03-01"}


FEW = rnnlens.Certificates(windows=1)


# -- on the page --
def example(run: Path, series: pd.DataFrame, attributes: Path, *, lags: bool) -> Worked:
    """Explain a run's forecasts of the runoff of two basins."""
    from rnnlens.adapters.neuralhydrology import to_native

    net = rnnlens.read(run)  # config.yml, the newest model_epoch*.pt, train_data_scaler.yml
    windows = rnnlens.windows(run, series, static=attributes, **PERIOD)
    explained = rnnlens.explain(net, windows)
    table = rnnlens.lags(net, windows, certificates=FEW) if lags else None
    return Worked(net, windows, explained, table, to_native(explained))


# -- end --


def run_folder(folder: Path, name: str, settings: dict[str, Any]) -> Path:
    """Have neuralhydrology train a run, and give its folder."""
    path = folder / f"{name}.yml"
    path.write_text(json.dumps(settings | {"experiment_name": name}), encoding="utf-8")
    start_run(path, gpu=-1)
    return max((folder / "runs").glob(f"{name}_[0-9]*"))


def forecasts(run: Path, folder: Path) -> pd.Series:
    """Ask neuralhydrology itself for the test period of both basins, in original units."""
    made = Config(run / "config.yml")
    model = get_model(made)
    model.load_state_dict(torch.load(run / "model_epoch001.pt", map_location="cpu"))
    model.eval()
    scaler = load_scaler(run)
    scale, center = (
        float(scaler[f"xarray_feature_{one}"]["runoff"]) for one in ("scale", "center")
    )
    codes = load_basin_id_encoding(run) if made.use_basin_id_encoding else {}
    parts = {}
    for basin in ("lower", "upper"):
        data = get_dataset(
            cfg=made, is_train=False, period="test", basin=basin, scaler=scaler, id_to_int=codes
        )
        batch = data.collate_fn([data[k] for k in range(len(data))])
        given = {key: value for key, value in batch.items() if key.startswith("x_") and len(value)}
        with torch.no_grad():
            answer = model(given)["y_hat"][:, -1, 0].numpy()
        parts[basin] = pd.Series(answer * scale + center, pd.DatetimeIndex(batch["date"][:, -1]))
    return pd.concat(parts, names=["basin", "date"])


def main() -> None:
    """Read every run's folder, and compare it with neuralhydrology's own forecasts."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        series = basins(folder, seeded())
        for which in RUNS:
            run = run_folder(folder, which, config(folder, which))
            own = forecasts(run, folder)
            own = own[own.index.get_level_values("date") < PERIOD["end"]]
            attributes = folder / "attributes" / "attributes.csv"
            made = example(run, series, attributes, lags=which == "cudalstm")
            worked("neuralhydrology", f"{which} (run folder)", made, own.to_numpy())


if __name__ == "__main__":
    main()
