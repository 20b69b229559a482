"""Run folders that neuralhydrology 1.13 wrote, held against what it forecast from them itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import rnnlens
from rnnlens.adapters.neuralhydrology import to_native
from rnnlens.errors import DataError, InputError, MissingLibrary, UnreadableFile, UnsupportedModel
from rnnlens.series.joint.windows import WindowsByInput

RUNS = ("cudalstm", "gru", "ealstm", "embedded", "embedded_ealstm")
PERIOD = {"start": "2002-01-01", "end": "2002-03-01"}


@pytest.fixture(scope="module")
def place(root) -> Path:
    return root / "tests" / "data" / "neuralhydrology"


@pytest.fixture(scope="module")
def series(place) -> pd.DataFrame:
    return pd.read_csv(place / "series.csv")


@pytest.fixture(scope="module")
def own(place) -> pd.DataFrame:
    """What neuralhydrology forecast, in original units: (sample, run)."""
    return pd.read_csv(place / "forecasts.csv")


@pytest.fixture
def run(place, tmp_path):
    """A copy of a run folder, one of whose files may be changed."""

    def copied(which: str = "cudalstm", **changes: str) -> Path:
        folder = tmp_path / which
        shutil.copytree(place / which, folder)
        path = folder / "config.yml"
        held = yaml.safe_load(path.read_text())
        kept = [f"{key}: {json.dumps(value)}" for key, value in held.items() if key not in changes]
        added = [f"{key}: {value}" for key, value in changes.items()]
        path.write_text("\n".join([*kept, *added]) + "\n")
        return folder

    return copied


def cut(place, which, series, static=None) -> WindowsByInput:
    static = place / "attributes.csv" if static is None else static
    made = rnnlens.windows(place / which, series, static=static, **PERIOD)
    assert isinstance(made, WindowsByInput)
    return made


@pytest.mark.parametrize("which", RUNS)
def test_a_run_folder_forecasts_what_neuralhydrology_forecast_from_it(place, series, own, which):
    windows = cut(place, which, series)
    made = rnnlens.predict(rnnlens.read(place / which), windows)
    forecast = windows.first.target_scaling.undo(made)[:, 0]
    assert windows.first.groups is not None
    assert windows.first.groups.tolist() == own.basin.tolist()
    # neuralhydrology computes in single precision
    np.testing.assert_allclose(forecast, own[which], rtol=1e-6)


@pytest.mark.parametrize("which", ["embedded", "ealstm"])
def test_contributions_sum_to_neuralhydrologys_own_forecast_in_its_units(place, series, own, which):
    windows = cut(place, which, series)
    explained = rnnlens.explain(place / which, windows, method="secant", baseline="mean")
    rows = to_native(explained)
    total = rows.groupby(["basin", "date"]).contribution.sum()
    base = rows.groupby(["basin", "date"]).baseline_forecast.first()
    np.testing.assert_allclose((total + base).to_numpy(), own[which], rtol=1e-6)
    assert set(rows.input) == {"x_d", "x_s"} and rows[rows.input == "x_s"].lag.isna().all()
    assert rows.lag.max() == 12 and set(rows[rows.lag == 1].feature) == {"precip", "temp"}


def test_an_entity_aware_lstm_opens_its_input_gate_by_attributes_alone(place, series):
    windows = cut(place, "ealstm", series)
    traced = rnnlens.trace(rnnlens.read(place / "ealstm"), windows)
    gate = traced["lstm"]["gate_value"].sel(gate="input").to_numpy()
    np.testing.assert_array_equal(gate, np.broadcast_to(gate[:, :1], gate.shape))
    assert np.ptp(gate[:, 0, 0]) > 0  # and it differs from basin to basin


def test_the_windows_bear_the_runs_names_and_one_basin_needs_no_column(place, series, own):
    lower = series[series.basin == "lower"].drop(columns="basin")
    indexed = lower.set_index(pd.DatetimeIndex(lower.pop("date")))
    alone = cut(place, "cudalstm", indexed, {"area": 2.0, "slope": 0.1})
    assert alone["x_d"].features == ("precip", "temp") and alone["x_d"].lead == 0
    assert alone["x_s"].features == ("area", "slope") and alone.targets == ("runoff",)
    both = cut(place, "cudalstm", series)
    for name, part in alone.items():
        np.testing.assert_array_equal(part.values, both[name].values[: len(part)])
    assert alone.times[0] == np.datetime64("2002-01-01")


def test_units_of_a_dataset_are_kept(place, series):
    data = series.set_index(["basin", "date"]).to_xarray()
    data["date"] = pd.DatetimeIndex(data.date.values)
    data["runoff"].attrs["units"] = "mm/d"
    data["precip"].attrs["units"] = "mm"
    windows = cut(place, "cudalstm", data)
    assert windows["x_d"].units == ("mm", "-") and windows["x_d"].target_units == ("mm/d",)


def test_an_epoch_is_chosen_by_its_name_and_the_newest_is_read_otherwise(run):
    folder = run()
    shutil.copy(folder / "model_epoch001.pt", folder / "model_epoch002.pt")
    assert rnnlens.read(folder).origin.path.endswith("model_epoch002.pt")
    assert rnnlens.read(folder, part="model_epoch001").origin.path.endswith("model_epoch001.pt")
    with pytest.raises(InputError, match="has no part 'model_epoch003'.*its epochs are"):
        rnnlens.read(folder, part="model_epoch003")


def test_what_evaluation_alone_does_is_said(run):
    net = rnnlens.read(run(clip_targets_to_zero="[runoff]", predict_last_n="3"))
    assert any("clip_targets_to_zero" in clause for clause in net.origin.left_out)
    assert any("predict_last_n" in note for note in net.origin.notes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "mtslstm"}, "model: mtslstm, and rnnlens reads cudalstm, gru, ealstm"),
        ({"head": "gmm"}, "head: gmm, whose outputs are the numbers of a distribution"),
        ({"nan_handling_method": "masked_mean"}, "sets nan_handling_method, which"),
        ({"hidden_size": "7"}, r"does not fit config.yml beside it: the array lstm.weight_ih_l0"),
        ({"dynamic_inputs": "{1D: [precip], 1h: [temp]}"}, "gives dynamic_inputs by frequency"),
        ({"statics_embedding": "{type: fc, hiddens: [3], activation: elu}"}, "activation elu"),
    ],
)
def test_what_files_do_not_tell_enough_of_is_refused_in_one_sentence(run, changes, sentence):
    with pytest.raises(UnsupportedModel, match=sentence) as refused:
        rnnlens.read(run(**changes))
    assert "\n" not in str(refused.value)


def test_damaged_folders_are_refused(run):
    folder = run(seq_length="many")
    with pytest.raises(UnreadableFile, match="must hold seq_length, a whole number from 1"):
        rnnlens.read(folder)
    (folder / "train_data" / "train_data_scaler.yml").unlink()
    with pytest.raises(UnreadableFile, match="train_data_scaler.yml cannot be read"):
        rnnlens.read(folder)
    (folder / "train_data" / "train_data_scaler.p").write_bytes(b"\x80\x04.")
    with pytest.raises(UnreadableFile, match="is a pickled scaler of an old neuralhydrology"):
        rnnlens.read(folder)
    (folder / "config.yml").write_text("a: [")
    with pytest.raises(UnreadableFile, match="is damaged: copy the run folder again"):
        rnnlens.read(folder)
    (folder / "config.yml").write_text("7")
    with pytest.raises(UnreadableFile, match="holds no settings by name"):
        rnnlens.read(folder)
    (folder / "config.yml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UnreadableFile, match="is not text"):
        rnnlens.read(folder)


def test_attributes_that_do_not_fit_are_refused(place, series):
    lower = series[series.basin == "lower"].drop(columns="basin")
    with pytest.raises(DataError, match="static has 2 rows, and the data does not say whose"):
        cut(place, "cudalstm", lower)
    with pytest.raises(DataError, match="static has no column 'slope'"):
        rnnlens.windows(place / "cudalstm", series, static={"basin": ["a"], "area": [1.0]})
    with pytest.raises(DataError, match="static must be a table of attributes"):
        rnnlens.windows(place / "cudalstm", series, static=3)
    with pytest.raises(DataError, match="has use_basin_id_encoding, and the data does not say"):
        rnnlens.windows(place / "embedded", lower, static={"area": 2.0, "slope": 0.1})
    with pytest.raises(InputError, match="takes static, but scaler was given: leave it out"):
        rnnlens.windows(place / "cudalstm", series, scaler=object())


def test_what_belongs_to_a_fitted_model_is_refused_without_one(series):
    with pytest.raises(InputError, match="without a fitted model .* static was given"):
        rnnlens.windows(series, static={"area": 2.0})


def test_sensitivities_are_no_contributions(place, series):
    windows = cut(place, "cudalstm", series).select(slice(0, 2))
    with pytest.raises(InputError, match="by a method whose contributions sum, and is sensitiv"):
        to_native(rnnlens.explain(place / "cudalstm", windows, method="gradient"))


def test_a_run_folder_is_read_without_any_framework(place):
    code = f"""
import sys, rnnlens
rnnlens.read({str(place / "embedded_ealstm")!r})
print(sorted({{"torch", "neuralhydrology", "keras"}} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


def test_a_missing_yaml_library_is_said_with_what_to_install(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingLibrary, match=r'to read a run folder, .*pip install "rnnlens'):
        rnnlens.read(place / "gru")


def test_the_command_line_names_the_arrays_of_a_run_folder(place):
    from typer.testing import CliRunner

    from rnnlens.cli.app import app

    said = CliRunner().invoke(app, ["inspect", str(place / "ealstm")])
    assert said.exit_code == 0, said.output
    assert "W_i" in said.output and "run folder of neuralhydrology" in " ".join(said.output.split())
