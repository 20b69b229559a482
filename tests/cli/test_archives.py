"""A whole archive on the command line: explained, gone on with, looked after."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import xarray as xr

from archives import written
from rnnlens.cli.archives import far


@pytest.fixture
def archive(tmp_path, table):
    """The series of these tests as a Zarr archive."""
    data = table.assign(time=table.time.astype("datetime64[ns]")).set_index("time").to_xarray()
    return written(data, tmp_path / "hours.zarr")


def facts(said) -> dict:
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_an_archive_is_explained_in_runs_and_parts_and_the_result_is_sound(
    call, model, archive, tmp_path, windows_in_all
):
    out = tmp_path / "out.zarr"
    ask = ("explain", model, archive, "--out", out, "--block", "30", "--json")
    expected = facts(call(*ask, "--dry-run"))
    assert (expected["rows"], expected["blocks"]) == (120, 4) and not out.exists()
    first = facts(call(*ask, "--limit", "20"))
    assert (first["blocks"], first["blocks left"]) == (1, 3)
    assert facts(call("bulk", "status", out, "--json"))["blocks done"] == 1
    second = facts(call(*ask, "--part", "2/2"))
    assert (second["blocks"], second["blocks left"]) == (2, 1)
    last = facts(call(*ask))
    assert (last["blocks"], last["blocks done before"], last["blocks left"]) == (1, 3, 0)
    found = xr.open_zarr(out, chunks=None)
    assert int(np.isfinite(found.forecast).sum()) == windows_in_all
    assert facts(call("bulk", "verify", out, "--json")) == {"damaged": 0}
    assert "99 % of the absolute contributions to temp" in call("bulk", "summary", out).out
    assert facts(call("bulk", "summary", out, "--json"))["attrs"]["grouped_by"] == "all"


def test_a_part_of_a_file_is_explained_by_several_jobs(call, model, archive, tmp_path, rng):
    layers = [torch.nn.LSTM(2, 3, batch_first=True), torch.nn.LSTM(2, 4, batch_first=True)]
    names = list(xr.open_zarr(archive, chunks=None).data_vars)[:2]
    file = tmp_path / "two.pt"
    arrays = {
        f"{name}.{key}": value
        for name, one in zip(("first", "second"), layers, strict=True)
        for key, value in one.state_dict().items()
    }
    torch.save(arrays, file)
    ask = (
        "explain", file, archive, "--features", ",".join(names), "--window", "24", "--out",
        tmp_path / "out.zarr", "--block", "30", "--part", "second", "--target", "output 0",
        "--json",
    )  # fmt: skip
    left = [facts(call(*ask, "--job", f"{number}/2"))["blocks left"] for number in (1, 2)]
    assert left == [2, 0]
    refused = call(*ask, "--job", "second")
    assert refused.code == 2 and "give i/n, counted from 1, such as 3/64" in refused.err


def test_the_numbers_are_those_of_explain_on_the_table(call, model, archive, data, tmp_path):
    whole, table = tmp_path / "out.zarr", tmp_path / "out.nc"
    typed = ("--method", "secant", "--baseline", "zero", "--target", "temp")
    for source, out in ((archive, whole), (data, table)):
        said = call("explain", model, source, "--out", out, *typed, "--json",
                    *(("--store", "float64") if out is whole else ("--last", "9999")))  # fmt: skip
        assert said.code == 0, said.err
    with xr.open_dataset(table) as expected:
        found = xr.open_zarr(whole, chunks=None).isel(time=slice(23, None))
        np.testing.assert_array_equal(found.time, expected.time)
        # the same kernels on other chunks, in Fahrenheit
        np.testing.assert_allclose(found.contribution, expected.contribution, rtol=0, atol=1e-9)


def test_damage_is_found_with_an_exit_code_and_repaired(call, model, archive, tmp_path):
    out = tmp_path / "out.zarr"
    assert call("explain", model, archive, "--out", out, "--block", "30").code == 0
    chunk = out / "contribution" / "c" / "2" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    said = call("bulk", "verify", out)
    assert said.code == 1 and "block 2, contribution" in said.out
    assert f"rnnlens bulk repair {out} mends it" in said.err
    assert facts(call("bulk", "repair", out, "--json")) == {"made anew": 1}
    assert call("bulk", "verify", out).code == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--limit", "5"), "--limit is about a whole archive: give --out"),
        (("--out", "o.zarr", "--last", "3"), "--last does not go with a result in .zarr"),
        (("--out", "o.zarr", "--method", "owen"), "explained by one of secant, integrated"),
        (("--out", "o.zarr", "--baseline", "persistence"), "give zero, mean, background or an"),
        (("--out", "o.zarr", "--scheduler", "tcp://a:1", "--workers", "2"), "name one of both"),
        (("--out", "o.zarr", "--part", "3/2"), "a part is one of so many, counted from 1"),
        ((), "is an archive, which is explained block by block: give --out"),
    ],
)
def test_what_does_not_go_together_is_refused_in_a_sentence(
    call, model, archive, tmp_path, monkeypatch, typed, said
):
    monkeypatch.chdir(tmp_path)
    refused = call("explain", model, archive, *typed)
    assert refused.code == 1 and said in refused.err and refused.err.count("rnnlens: ") == 1
    assert not (tmp_path / "o.zarr").exists()


def test_other_verbs_take_no_zarr_for_their_result(call, model, data, tmp_path):
    refused = call("trace", model, data, "--out", tmp_path / "o.zarr")
    assert refused.code == 2 and "must end in one of .csv, .json, .nc" in refused.err


def test_other_verbs_say_who_takes_archives(call, model, archive):
    refused = call("trace", model, archive)
    assert (
        refused.code == 1 and "is explained by rnnlens explain with --out out.zarr" in refused.err
    )


def test_an_archive_whose_variables_nobody_described_is_refused_and_options_describe_them(
    call, model, archive, tmp_path
):
    names = ",".join(xr.open_zarr(archive, chunks=None).data_vars)
    model.with_suffix(".toml").unlink()
    ask = ("explain", model, archive, "--out", tmp_path / "o.zarr", "--target", "temp")
    assert "or give --features and --window" in call(*ask).err
    assert call(*ask, "--features", names, "--window", "24").code == 0


def test_memory_and_lags_of_an_archive_are_of_windows_drawn_from_it(
    call, model, archive, data, windows_in_all
):
    ask = ("--histories", "2", "--json")
    of_archive, of_table = (facts(call("memory", model, one, *ask)) for one in (archive, data))
    # of a small archive every window is drawn, with what happened
    assert {**of_archive, **of_table, "created": ""} == {**of_archive, "created": ""}
    told = {name: of_archive[name] for name in of_archive if name not in of_table}
    windows = told.pop("archive_windows")
    assert told == {"archive": "hours.zarr", "archive_places_drawn": 2000, "archive_stations": 1}
    assert windows == windows_in_all
    quick = ("--windows", "0", "--no-test", "--replacements", "0", "--json")
    said = call("lags", model, archive, "--draw", "12", *quick)
    assert facts(said)["archive_places_drawn"] == 12
    assert "windows of 1 station, of 12 places drawn evenly from hours.zarr" in said.err
    refused = call("lags", model, data, "--draw", "5")
    assert refused.code == 1 and "--draw is about a whole archive" in refused.err
    refused = call("memory", model, archive, archive)
    assert refused.code == 1 and "windows are drawn from one archive, and 2 files" in refused.err


def test_progress_says_how_far_how_fast_and_how_long():
    assert far(0, 10, 0.0) == "0 of 10 rows, 0 a second, no telling how long left"
    assert far(500, 1000, 5.0) == "500 of 1,000 rows, 100 a second, 5 s left"
