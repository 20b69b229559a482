"""The same series gives the same numbers whatever file it lies in."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import rnnlens
from archives import written
from rnnlens.bulk import Blocks
from rnnlens.bulk.sources.open import is_archive
from rnnlens.errors import DataError, UnreadableFile
from rnnlens.series.sidecar import Sidecar


def result(whole):
    """The result of the archive as Zarr, in blocks of 32 windows."""
    return xr.open_zarr(whole.folder / "out.zarr", chunks=None)


def table(made):
    return made.data.drop_vars("basin").to_dataframe().reset_index()


def zarr_2(made, path):
    return written(made.data, path / "two.zarr", zarr_format=2), made.sidecar


def zarr_transposed(made, path):
    return written(made.data.transpose("time", "station"), path / "turned.zarr"), made.sidecar


def netcdf(made, path):
    made.data.to_netcdf(path / "four.nc", engine="h5netcdf")
    return path / "four.nc", made.sidecar


def netcdf_3(made, path):
    made.data.to_netcdf(path / "three.nc", engine="scipy")
    return path / "three.nc", made.sidecar


def parquet_by_station(made, path):
    (path / "stations").mkdir()
    for name, rows in table(made).groupby("station", sort=False):
        rows.drop(columns="station").to_parquet(path / "stations" / f"{name}.parquet")
    return path / "stations", made.sidecar


def parquet_in_one(made, path):
    rows = table(made)
    order = {name: k for k, name in enumerate(made.data.station.values)}
    rows = rows.sort_values(
        ["station", "time"], key=lambda c: c.map(order) if c.name == "station" else c
    )
    rows.to_parquet(path / "all.parquet", row_group_size=70)
    return path / "all.parquet", grouped(made)


def parquet_without_missing_rows(made, path):
    rows = table(made).dropna()
    rows.sort_values(["station", "time"]).to_parquet(path / "some.parquet", row_group_size=33)
    return path / "some.parquet", grouped(made)


def grouped(made):
    from dataclasses import replace

    return replace(made.sidecar, group="station")


WAYS = [zarr_2, zarr_transposed, netcdf, netcdf_3, parquet_by_station, parquet_in_one,
        parquet_without_missing_rows]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_the_same_series_gives_the_same_numbers_from_any_file(whole, made, tmp_path, way):
    path, sidecar = way(made, tmp_path)
    found = rnnlens.explain_archive(
        made.net, path, tmp_path / "o.zarr", sidecar,
        target="flow", baseline="zero", blocks=Blocks(windows=32),
    )  # fmt: skip
    expected = result(whole)
    found = found.sel(station=expected.station.values)
    for name in ("contribution", "forecast", "residual"):
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_array_equal(found.time, expected.time)


def test_one_series_without_a_name_has_no_axis_of_stations(whole, made, tmp_path):
    one = made.data.sel(station="north", drop=True).drop_vars("basin")
    found = rnnlens.explain_archive(
        made.net, written(one, tmp_path / "one.zarr"), tmp_path / "o.zarr", made.sidecar,
        target="flow", baseline="zero", blocks=Blocks(windows=32),
    )  # fmt: skip
    assert found.contribution.dims == ("time", "lag", "feature")
    np.testing.assert_array_equal(found.forecast, result(whole).forecast.sel(station="north"))


def test_rows_are_counted_where_there_is_no_time(whole, made, tmp_path):
    bare = made.data.drop_vars(["time", "basin"])
    sidecar = Sidecar.plain(["rain", "flow"], 5, lead=2)
    found = rnnlens.explain_archive(
        made.net, written(bare, tmp_path / "bare.zarr"), tmp_path / "o.zarr", sidecar,
        target="flow", baseline="zero",
    )  # fmt: skip
    np.testing.assert_array_equal(found.forecast.values, result(whole).forecast.values)
    assert list(found.time.values[:3]) == [2, 3, 4] and list(found.issued.values[:2]) == [0, 1]


def test_what_does_not_change_in_time_is_the_same_at_every_step(made, tmp_path):
    height = np.array([0.5, -1.0, 2.0])
    fixed = made.data.drop_vars("rain").assign(rain=("station", height))
    whole = made.data.assign(rain=(("station", "time"), np.repeat(height[:, None], 150, axis=1)))
    found = [
        rnnlens.explain_archive(
            made.net, written(data, tmp_path / f"{k}.zarr"), tmp_path / f"o{k}.zarr",
            made.sidecar, target="flow", baseline="zero",
        ).contribution.values
        for k, data in enumerate((fixed, whole))
    ]  # fmt: skip
    np.testing.assert_array_equal(*found)


def test_short_series_of_many_stations_share_a_block(whole, made):
    together, apart = made.explain(blocks=Blocks(windows=400)), result(whole)
    # the same kernels on other chunks
    np.testing.assert_allclose(together.contribution, apart.contribution, rtol=0, atol=1e-6)


def test_archives_are_told_from_tables_by_what_they_hold(made, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    assert is_archive(made.path) and is_archive(netcdf(made, tmp_path)[0])
    assert is_archive(parquet_by_station(made, tmp_path)[0])
    assert not is_archive(tmp_path / "empty") and not is_archive(tmp_path / "a.csv")


def ask(made, path, sidecar=None):
    made.folder.joinpath("o").mkdir(exist_ok=True)
    return rnnlens.explain_archive(
        made.net, path, made.folder / "o" / f"{len(list(made.folder.iterdir()))}.zarr",
        sidecar or made.sidecar, target="flow",
    )  # fmt: skip


def test_a_variable_that_is_not_there_is_named_with_what_is(made, tmp_path):
    path = written(made.data.rename(rain="rein"), tmp_path / "wrong.zarr")
    with pytest.raises(DataError, match=r"no variable 'rain' \(did you mean 'rein'\?\): it has"):
        ask(made, path)


def test_grids_of_places_are_refused_and_stations_made_of_them_are_explained(made, tmp_path):
    values = np.random.default_rng(5).normal(size=(2, 2, 2, 40))
    axes = ("lat", "lon", "time")
    grid = made.data.isel(time=slice(40)).drop_vars(["rain", "flow", "basin", "station"])
    grid = grid.assign_coords(lat=[1.0, 2.0], lon=[5.0, 6.0])
    grid = grid.assign(rain=(axes, values[0]), flow=(axes, values[1]))
    with pytest.raises(DataError, match=r"make one of lat, lon, as in data.stack\(station="):
        ask(made, written(grid, tmp_path / "grid.zarr"))
    stacked = grid.stack(station=("lat", "lon")).reset_index("station")
    found = ask(made, written(stacked, tmp_path / "stacked.zarr"))
    assert found.sizes["station"] == 4 and "lat" in found.coords


def test_times_that_do_not_rise_are_refused_and_sorted_ones_are_explained(made, tmp_path):
    order = [1, 0, *range(2, 150)]
    with pytest.raises(DataError, match="do not rise: row 1 is not after the one before it; sort"):
        ask(made, written(made.data.isel(time=order), tmp_path / "mixed.zarr"))
    ask(made, written(made.data.isel(time=order).sortby("time"), tmp_path / "sorted.zarr"))


def test_tables_whose_stations_are_mixed_are_refused_and_sorted_ones_are_explained(made, tmp_path):
    rows = table(made).sort_values("time")
    rows.to_parquet(tmp_path / "mixed.parquet")
    with pytest.raises(DataError, match="do not lie together: sort the tables by station and time"):
        ask(made, tmp_path / "mixed.parquet", grouped(made))
    rows.sort_values(["station", "time"]).to_parquet(tmp_path / "sorted.parquet")
    ask(made, tmp_path / "sorted.parquet", grouped(made))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "is no archive: it must be Zarr, netCDF or Parquet"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "cannot be opened .*; fetch it anew"),
        (b"PAR1" + bytes(50), "is damaged Parquet .*; fetch it anew"),
    ],
)
def test_a_file_that_is_no_archive_is_refused_in_one_sentence(made, tmp_path, content, said):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UnreadableFile, match=said):
        ask(made, tmp_path / "file")


def test_an_archive_without_a_whole_window_is_refused(made, tmp_path):
    empty = made.data.assign(rain=made.data.rain * np.nan)
    with pytest.raises(DataError, match="has a window of 5 steps without a missing value"):
        ask(made, written(empty, tmp_path / "empty.zarr"))
