"""Several targets and horizons of an archive lie side by side, as each of them does by itself."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import rnnlens
from networks import cell, chain, head
from rnnlens.attribution.options import Target
from rnnlens.bulk import Blocks, Part, Runner, repair, status, summary, verify
from rnnlens.bulk.methods import METHODS, of_a_window, variable_of
from rnnlens.errors import DataError, InputError
from rnnlens.network import layers as L
from rnnlens.series.sidecar import Variable
from rnnlens.views.tables.archive import archive_summary_view

WHOLE = Blocks(windows=32, dtype="float64", by=("station",), memory=True)
UNITS = (Variable("rain", "mm", 2.0, 3.0), Variable("flow", "m3/s", 10.0, 4.0, lead=3))


@pytest.fixture
def scaled(made):
    """The archive for a network whose targets have units, scalings and leads of their own."""
    return replace(made, sidecar=replace(made.sidecar, targets=UNITS))


@pytest.mark.parametrize("method", METHODS)
def test_each_target_has_the_numbers_that_it_has_alone(scaled, method):
    asked = {"method": method, "blocks": WHOLE}
    every = scaled.explain("all.zarr", target="all", **asked)
    assert every[variable_of(method)].dims == ("station", "time", "lag", "feature", "target")
    assert every.target.values.tolist() == ["rain", "flow"]
    assert verify(scaled.folder / "all.zarr") == []
    of_all = summary(scaled.folder / "all.zarr", "station")
    for name in ("rain", "flow"):
        alone = scaled.explain(f"{name}.zarr", target=name, **asked)
        one = every.sel(target=name)
        for variable in (variable_of(method), *of_a_window(method)):
            np.testing.assert_array_equal(one[variable].values, alone[variable].values)
            assert every[variable].dims[-1] == "target"
        of_one = summary(scaled.folder / f"{name}.zarr", "station")
        assert set(of_one.data_vars) == set(of_all.data_vars)
        for variable in of_one.data_vars:
            own = of_all[variable]
            own = own.sel(target=name) if "target" in own.dims else own
            assert own.dims == of_one[variable].dims, variable
            np.testing.assert_array_equal(own.values, of_one[variable].values)


def test_units_and_leads_are_said_of_each_and_time_is_that_of_the_shortest(scaled):
    found = scaled.explain(target=["flow", "rain"], blocks=Blocks(windows=32))
    assert found.attrs["target"] == "flow, rain" and found.attrs["lead"] == 2
    assert found.unit.values.tolist() == ["m3/s", "mm"] and found.lead.values.tolist() == [3, 2]
    assert {"unit", "lead", "issued", "basin"} <= set(found.contribution.coords)
    np.testing.assert_array_equal(found.time - found.issued, np.timedelta64(2, "h"))
    assert found.time.long_name == "time that the forecast with the shortest lead is for"
    alone = scaled.explain("flow.zarr", target="flow")
    np.testing.assert_array_equal(alone.time - alone.issued, np.timedelta64(3, "h"))
    assert "unit" not in alone.coords and "lead" not in alone.coords


def test_horizons_are_those_that_explain_gives_of_the_windows_in_memory(made, rng):
    lstm = L.Recurrent(cell("lstm", rng, features=2, units=4))
    net = chain(lstm, head(rng, 4, 6), L.Reshape((3, 2)), shape=(5, 2))
    asked = Target("all", horizon="all")
    found = rnnlens.explain_archive(
        net, made.path, made.folder / "h.zarr", made.sidecar, target=asked,
        baseline="zero", blocks=Blocks(windows=32, dtype="float64"),
    )  # fmt: skip
    assert found.contribution.dims[2:] == ("lag", "feature", "horizon", "target")
    # nothing states how far ahead the steps are
    assert "lead" not in found.coords and found.horizon.values.tolist() == [1, 2, 3]
    table = np.stack([made.data.rain.values[0], made.data.flow.values[0]], axis=1)
    X = np.stack([table[k - 4 : k + 1] for k in range(4, len(table))])
    expected = rnnlens.explain(net, X, target=asked, method="secant", baseline="zero")
    own = found.isel(station=0, time=slice(4, None))
    # the same kernels on other chunks: rounding alone
    np.testing.assert_allclose(own.contribution, expected.contribution, rtol=0, atol=1e-12)
    np.testing.assert_allclose(own.forecast, expected.forecast, rtol=0, atol=1e-12)
    one = found.sel(horizon=2, target="flow").isel(station=0, time=20)
    change = float(one.forecast - one.baseline_forecast)
    assert float(one.contribution.sum()) == pytest.approx(change, abs=1e-12)


def test_parts_give_the_bytes_of_one_run_and_what_is_damaged_is_made_anew(scaled, contents):
    asked = {"target": "all", "blocks": WHOLE}
    scaled.explain("whole.zarr", **asked)
    for number in (2, 1):
        scaled.explain("parts.zarr", runner=Runner(part=Part(number, 2)), **asked)
    expected = contents(scaled.folder / "whole.zarr")
    out = scaled.folder / "parts.zarr"
    assert status(out).complete and contents(out) == expected
    chunk = next(path for path in (out / "contribution" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-9])
    assert [one.what for one in verify(out)] == ["contribution"]
    repair(out)
    assert contents(out) == expected


def test_a_result_is_gone_on_with_for_the_same_targets_alone(scaled):
    scaled.explain("some.zarr", target=["rain", "flow"], limit=32)
    with pytest.raises(InputError, match=r"with another target \(rain, flow, now flow, rain\)"):
        scaled.explain("some.zarr", target=["flow", "rain"])
    with pytest.raises(InputError, match=r"with another target \(rain, flow, now rain\)"):
        scaled.explain("some.zarr", target="rain")
    assert scaled.explain("some.zarr", target=["rain", "flow"]).forecast.notnull().any()
    with pytest.raises(DataError, match="no target is called 'snow'"):
        scaled.explain("other.zarr", target=["rain", "snow"])


def test_a_list_of_one_target_keeps_its_axis_and_is_another_question(scaled):
    scaled.explain("one.zarr", target="rain", limit=32)
    with pytest.raises(InputError, match=r"another along \({}, now {'target': \['rain'\]}\)"):
        scaled.explain("one.zarr", target=["rain"])


def test_a_summary_names_the_target_of_each_table(scaled):
    scaled.explain(target="all", blocks=WHOLE)
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(archive_summary_view(summary(scaled.folder / "out.zarr", "station")))
    said = console.export_text()
    for name, unit in (("rain", "mm"), ("flow", "m3/s")):
        assert said.count(f"of the absolute contributions to {name}, over") == 3
        assert said.count(f"mean size [{unit}]") + said.count(f"mean size ({unit})") == 3
        assert sum(line.split()[:2] == ["north", name] for line in said.splitlines()) == 1
