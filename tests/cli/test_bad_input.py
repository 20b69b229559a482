"""A mistake gets one sentence and exit code 1, a wrong command line 2, and none a traceback."""

from __future__ import annotations

import zipfile

import h5py
import numpy as np
import pytest

from processes import python


def refused(said, *words):
    """Require one sentence on stderr that holds the words, after any notes, and nothing else."""
    assert said.code == 1
    assert said.out == ""
    sentences = [line for line in said.err.splitlines() if not line.startswith("note: ")]
    assert len(sentences) == 1, said.err
    assert sentences[0].startswith("rnnlens: ")
    assert "Traceback" not in said.err
    for word in words:
        assert word in sentences[0]


def shown(said, *words):
    """Require what can be read, with the reason why the rest cannot beside it."""
    assert said.code == 0, said.err
    assert "named array" in said.out
    text = " ".join(said.out.split())
    for word in words:
        assert word in text


def test_no_such_model(call):
    refused(call("inspect", "nowhere.keras"), "nowhere.keras")


def test_a_folder_is_not_a_model(call, tmp_path):
    refused(call("inspect", tmp_path), str(tmp_path))


def test_a_text_file_is_not_a_model(call, tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("this is not a network\n")
    refused(call("inspect", path), "model.keras")


def test_an_empty_file_is_not_a_model(call, tmp_path):
    path = tmp_path / "model.keras"
    path.touch()
    refused(call("inspect", path), "model.keras", "empty")


def test_a_pointer_to_a_file_is_not_the_file(call, tmp_path):
    path = tmp_path / "model.h5"
    path.write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 75226\n"
    )
    refused(call("inspect", path), "model.h5", "LFS")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_archive(call, model, share):
    whole = model.read_bytes()
    model.write_bytes(whole[: int(share * len(whole))])
    refused(call("inspect", model), "weather.keras")


def test_an_archive_without_a_model(call, tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    refused(call("inspect", path), "model.keras")


def test_hdf5_without_a_model(call, tmp_path):
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(5)
    refused(call("inspect", path), "model.h5")


def test_a_truncated_hdf5_file(call, tmp_path):
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(5000)
    path.write_bytes(path.read_bytes()[:3000])
    refused(call("inspect", path), "model.h5")


def test_an_unsupported_layer(call, model):
    with zipfile.ZipFile(model) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = parts["config.json"].replace(b'"LSTM"', b'"ConvLSTM1D"')
    with zipfile.ZipFile(model, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    shown(call("inspect", model), "ConvLSTM1D", "lstm")


def test_a_real_file_with_an_unsupported_layer(call, shared):
    shown(call("inspect", shared / "models/tfkeras/convlstm2d_0.h5"), "ConvLSTM2D")


def test_of_a_pickled_model_the_arrays_are_named_and_nothing_else_is_taken(call, shared):
    path = shared / "models/torch/sugar_creek_IL_trained_model.pt"
    shown(call("inspect", path), "PyTorch state dict")


@pytest.mark.parametrize("verb", ["explain", "lags", "trace"])
def test_no_such_series(call, model, verb):
    refused(call(verb, model, "nowhere.csv"), "nowhere.csv")


@pytest.mark.parametrize("text", ["", "NaN", "calm", "inf"])
def test_a_value_that_is_no_number_is_named_by_row_and_column(call, model, table, tmp_path, text):
    path = tmp_path / "bad.csv"
    table = table.astype(object)
    table.loc[41, "dewp"] = text
    table.to_csv(path, index=False)
    # The header is line 1, so row 41, counted from 0, is line 43.
    refused(call("explain", model, path, "--target", "temp"), "bad.csv", "43", "dewp")


def test_missing_columns_are_named(call, model, table, tmp_path):
    path = tmp_path / "narrow.csv"
    table.drop(columns=["dewp", "visib"]).to_csv(path, index=False)
    refused(call("lags", model, path, "--target", "temp"), "dewp", "visib")


def test_a_series_shorter_than_a_window(call, model, table, tmp_path):
    path = tmp_path / "short.csv"
    table.head(20).to_csv(path, index=False)
    refused(call("explain", model, path, "--target", "temp"), "24")


def test_a_wrong_number_of_features(call, model, data):
    said = call("explain", model, data, "--target", "temp", "--features", "temp,dewp,pressure")
    refused(said, "10", "3")


def test_a_wrong_window(call, model, data):
    refused(call("explain", model, data, "--target", "temp", "--window", "12"), "24", "12")


def test_an_unknown_target_lists_the_known_ones(call, model, data):
    said = call("explain", model, data, "--target", "snow")
    refused(said, "snow", "temp", "dewp", "pressure")


def test_an_unknown_held_feature_lists_the_known_ones(call, model, data):
    refused(call("explain", model, data, "--target", "temp", "--held", "snow"), "snow", "dewp")


def test_limits_that_leave_nothing(call, model, data):
    refused(call("explain", model, data, "--target", "temp", "--from", "2019-01-01"), "2013-10")


def test_a_limit_that_is_no_time(call, model, data):
    refused(call("explain", model, data, "--target", "temp", "--from", "soon"), "soon")


def test_nothing_says_which_columns(call, model, table, data):
    model.with_suffix(".toml").unlink()
    table.assign(number=1.5).to_csv(data, index=False)
    said = call("explain", model, data, "--target", "temp")
    refused(said, "11 columns of numbers", "--features", "rnnlens init")


def test_a_damaged_sidecar(call, model, data):
    sidecar = model.with_suffix(".toml")
    sidecar.write_text(sidecar.read_text(encoding="utf-8").replace("window", "windw"))
    refused(call("explain", model, data, "--target", "temp"), "weather.toml", "windw")


def test_sensitivities_have_no_shares(call, model, data):
    refused(call("lags", model, data, "--target", "temp", "--method", "gradient"), "gradient")


def test_too_few_windows_for_an_interval(call, model, data):
    refused(call("lags", model, data, "--target", "temp", "--last", "3"), "3")


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect"],
        ["inspect", "a.keras", "--no-such-option"],
        ["no-such-verb"],
        ["explain", "a.keras", "b.csv", "--method", "magic"],
        ["explain", "a.keras", "b.csv", "--out", "result.xlsx"],
        ["explain", "a.keras", "b.csv", "--out", "no/such/folder/result.csv"],
        ["explain", "a.keras", "b.csv", "--last", "0"],
        ["lags", "a.keras", "b.csv", "--horizon", "one"],
    ],
)
def test_a_wrong_command_line_exits_with_two(call, arguments):
    said = call(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "code"), [(["inspect", "nowhere.keras"], 1), (["inspect", "--no-such"], 2)]
)
def test_a_real_process_exits_without_a_traceback(arguments, code, tmp_path):
    run = python("-m", "rnnlens", *arguments, folder=tmp_path)
    assert run.returncode == code
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    if code == 1:
        assert run.stderr.startswith("rnnlens: ")
        assert run.stderr.count("\n") == 1
