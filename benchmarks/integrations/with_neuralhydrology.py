"""CudaLSTM, EA-LSTM and the handoff forecast LSTM of neuralhydrology, trained by its own runner."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from case import Case, record, seeded
from neuralhydrology.datasetzoo import get_dataset
from neuralhydrology.datautils.utils import load_scaler
from neuralhydrology.modelzoo import get_model
from neuralhydrology.nh_run import start_run
from neuralhydrology.utils.config import Config

DAYS, STEPS, AHEAD = 1000, 30, 7
HANDOFF = {
    "hindcast_inputs": ["precip", "temp"],
    "forecast_inputs": ["precip", "temp"],
    "forecast_seq_length": AHEAD,
    "forecast_overlap": 0,
    "hindcast_hidden_size": 16,
    "forecast_hidden_size": 8,
    "predict_last_n": AHEAD,
    "state_handoff_network": {"type": "fc", "hiddens": [12], "activation": "tanh", "dropout": 0.0},
}
MODELS = {"cudalstm": {}, "ealstm": {}, "handoff_forecast_lstm": HANDOFF}
EMBEDDINGS = {
    f"{which}_embedding": {"type": "fc", "hiddens": sizes, "activation": function, "dropout": 0.1}
    for which, sizes, function in (("statics", [6, 4], "tanh"), ("dynamics", [5], "sigmoid"))
}
#: Runs whose folders are read as they lie there, and what they set.
RUNS: dict[str, dict[str, Any]] = {
    "cudalstm": {},
    "gru": {"model": "gru"},
    "ealstm": {"model": "ealstm"},
    "embedded": EMBEDDINGS | {"use_basin_id_encoding": True, "output_activation": "softplus"},
    "embedded_ealstm": EMBEDDINGS | {"model": "ealstm"},
}


# -- on the page: a user's way --
def neuralhydrology_user(model: torch.nn.Module, batch: dict[str, Any]) -> object:
    """Explain the last day of a batch that the data set of a run has collated."""
    import rnnlens

    data = {key: value for key, value in batch.items() if key.startswith("x_") and len(value)}
    net = rnnlens.read(model, example=data)  # its states, and y_hat as the last of its outputs
    inputs = {name: array.numpy() for name, array in {**data["x_d"], "x_s": data["x_s"]}.items()}
    days = next(iter(inputs.values())).shape[1]
    last = rnnlens.Target(0, output=len(net.outputs) - 1, horizon=days)
    return rnnlens.explain(net, inputs, target=last, baseline="zero")


# -- end --


class Runoff(torch.nn.Module):
    """The runoff that a model of neuralhydrology predicts, without what else it gives."""

    def __init__(self, model: torch.nn.Module, horizons: int = 1) -> None:
        super().__init__()
        self.model, self.horizons = model, horizons

    def forward(self, data: dict[str, Any]) -> torch.Tensor:
        """Predict: -> (sample, horizon, 1)."""
        return self.model(data)["y_hat"][:, -self.horizons :]


def basins(folder: Path, rng: np.random.Generator) -> pd.DataFrame:
    """Write two basins as neuralhydrology's generic data set has them; give their series too."""
    series = {}
    (folder / "time_series").mkdir()
    (folder / "attributes").mkdir()
    dates = pd.date_range("2000-01-01", periods=DAYS)
    for name in ("upper", "lower"):
        rain = rng.gamma(0.5, 4.0, DAYS)
        warm = 10 * np.sin(np.arange(DAYS) / 58) + rng.normal(size=DAYS)
        runoff = pd.Series(rain).ewm(halflife=5).mean().to_numpy()
        columns = {"precip": ("date", rain), "temp": ("date", warm), "runoff": ("date", runoff)}
        table = xr.Dataset(columns, coords={"date": dates})
        table.to_netcdf(folder / "time_series" / f"{name}.nc")
        series[name] = table.to_dataframe()
    rows = {"gauge_id": ["upper", "lower"], "area": [1.0, 2.0], "slope": [0.3, 0.1]}
    pd.DataFrame(rows).to_csv(folder / "attributes" / "attributes.csv", index=False)
    (folder / "basins.txt").write_text("upper\nlower\n", encoding="utf-8")
    return pd.concat(series, names=["basin"]).sort_index().reset_index()


def config(folder: Path, model: str, steps: int = STEPS) -> dict[str, Any]:
    """Give the configuration of a run of a few updates, of a model or of one of the runs."""
    periods = {"train": ("01/01/2000", "31/12/2001"), "test": ("01/01/2002", "30/06/2002")}
    dates = {}
    for name, (start, end) in {**periods, "validation": periods["test"]}.items():
        dates[f"{name}_start_date"], dates[f"{name}_end_date"] = start, end
        dates[f"{name}_basin_file"] = str(folder / "basins.txt")
    whole: dict[str, Any] = {
        **dates,
        "experiment_name": f"{model}_{steps}",
        "run_dir": str(folder / "runs"),
        "data_dir": str(folder),
        "dataset": "generic",
        "dynamic_inputs": ["precip", "temp"],
        "static_attributes": ["area", "slope"],
        "target_variables": ["runoff"],
        "model": model,
        "head": "regression",
        "hidden_size": 16,
        "initial_forget_bias": 3,
        "output_dropout": 0.0,
        "optimizer": "Adam",
        "loss": "MSE",
        "learning_rate": 1e-3,
        "batch_size": 64,
        "epochs": 1,
        "max_updates_per_epoch": 3,
        "predict_last_n": 1,
        "seq_length": steps,
        "num_workers": 0,
        "log_interval": 5,
        "log_tensorboard": False,
        "save_weights_every": 1,
        "validate_every": 0,
        "metrics": ["NSE"],
        "device": "cpu",
        "seed": 1,
    }
    own = MODELS[model] if model in MODELS else {"model": "cudalstm", **RUNS[model]}
    return {**whole, **own}


def trained(folder: Path, model: str) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Have neuralhydrology train a model; give it, as its last epoch left it, and a test batch."""
    path = folder / f"{model}.yml"
    path.write_text(json.dumps(config(folder, model)), encoding="utf-8")  # YAML takes JSON as it is
    start_run(path, gpu=-1)
    run = max((folder / "runs").glob(f"{model}*"))
    made = Config(run / "config.yml")
    network = get_model(made)
    network.load_state_dict(torch.load(run / "model_epoch001.pt", map_location="cpu"))
    scaler = load_scaler(run)
    data = get_dataset(cfg=made, is_train=False, period="test", basin="upper", scaler=scaler)
    batch = data.collate_fn([data[k] for k in range(0, 120, 20)])
    return network.eval(), batch


def of_inputs(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a batch holds besides inputs, and empty groups of them."""
    return {key: value for key, value in batch.items() if key.startswith("x_") and len(value)}


def flat(data: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Give the arrays of a batch by the names that rnnlens gives the inputs."""
    groups = [key for key, value in data.items() if isinstance(value, dict)]
    named = {}
    for key, value in data.items():
        for name, array in value.items() if isinstance(value, dict) else ((key, value),):
            whole = f"data_{key}_{name}" if len(groups) > 1 and key in groups else name
            named[whole] = array.numpy()
    return named


def nested(data: Mapping[str, Any], inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Lay arrays out again as the model takes them."""
    arrays = iter(inputs.values())
    made: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            made[key] = {name: torch.as_tensor(next(arrays)).float() for name in value}
        else:
            made[key] = torch.as_tensor(next(arrays)).float()
    return made


def checked(folder: Path, model: str) -> Case:
    """Train a model and say how it is asked."""
    network, batch = trained(folder, model)
    data = of_inputs(batch)
    horizons = AHEAD if model in {"handoff_forecast_lstm"} else 1
    if model == "ealstm":
        neuralhydrology_user(network, batch)

    def own(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        with torch.no_grad():
            return network(nested(data, inputs))["y_hat"][:, -horizons:, 0].numpy()

    def longer() -> tuple[torch.nn.Module, object]:
        path = folder / f"{model}_365.yml"
        path.write_text(json.dumps(config(folder, model, 365)), encoding="utf-8")
        made = get_model(Config(path)).eval()
        return Runoff(made, horizons), {key: _longer(value, key) for key, value in data.items()}

    return Case(
        name=type(network).__name__,
        module=Runoff(network, horizons),
        inputs=flat(data),
        example=data,
        forecast=own,
        longer=longer,
    )


def _longer(value: Any, key: str) -> Any:
    if isinstance(value, dict) and not key.endswith("forecast"):
        days = 365 - (AHEAD if key.endswith("hindcast") else 0)
        return {name: array[:, :1].repeat(1, days, 1) for name, array in value.items()}
    return value


def main() -> None:
    """Check every model of neuralhydrology, or those that the command line names."""
    names = sys.argv[1:] or list(MODELS)
    logging.disable(logging.WARNING)
    rng = seeded()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        basins(folder, rng)
        cases = [checked(folder, model) for model in names]
        record("neuralhydrology", cases, (), some=len(names) < len(MODELS))


if __name__ == "__main__":
    main()
