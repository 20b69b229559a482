"""What is wrong with the tables of several inputs is said in a sentence whose advice works."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnlens.errors import ConfigError, DataError
from rnnlens.series.build import windows
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.sidecar_text import from_toml

BASE = """
time = "day"
group = "basin"
window = 3
[inputs.past.features]
flow = { mean = 0, scale = 1 }
[inputs.weather]
ahead = 2
[inputs.weather.features]
rain = { mean = 0, scale = 1 }
[inputs.site]
static = true
[inputs.site.features]
area = { mean = 0, scale = 1 }
"""


def _sidecar(text=BASE):
    return Sidecar(**from_toml(text))


@pytest.fixture
def tables(rng):
    days = pd.date_range("2020-01-01", periods=9, freq="D")
    rows = pd.DataFrame({"day": [*days, *days], "basin": ["A"] * 9 + ["B"] * 9})
    series = rows.assign(flow=rng.normal(size=18))
    weather = rows.assign(rain=rng.normal(size=18))
    sites = pd.DataFrame({"basin": ["A", "B"], "area": [1.0, 2.0]})
    return series, weather, sites


def test_the_tables_as_they_should_be_are_cut(tables):
    made = windows(list(tables), _sidecar())
    assert made["weather"].values.shape == (10, 2, 1)
    assert made.left_out == {"weather": 4}
    np.testing.assert_array_equal(made.as_arrays()["site"][:, 0], [1.0] * 5 + [2.0] * 5)


def test_a_key_without_a_row_and_one_with_two(tables):
    series, weather, sites = tables
    with pytest.raises(DataError, match="no row of 'B'.*add it, or leave its rows out"):
        windows([series, weather, sites[:1]], _sidecar())
    only = [each[each["basin"] == "A"] for each in (series, weather)]
    assert windows([*only, sites[:1]], _sidecar()).samples == 5
    with pytest.raises(DataError, match="more than one row of 'A'.*leave the one row"):
        windows([series, weather, pd.concat([sites, sites[:1]])], _sidecar())


def test_a_static_column_that_changes_in_time(tables):
    series, weather, _ = tables
    moving = series.assign(area=np.arange(18.0))
    with pytest.raises(DataError, match="area of the static input 'site' changes in 'A'"):
        windows([moving, weather], _sidecar())
    steps = _sidecar(BASE.replace("static = true", "steps = 3"))
    assert windows([moving, weather], steps)["site"].values.shape == (10, 3, 1)


def test_tables_of_different_steps(tables):
    series, weather, sites = tables
    coarse = weather[weather["day"].dt.day % 3 == 1]
    with pytest.raises(DataError, match='row every 3d.*one every 1d.*missing = "hold"') as said:
        windows([series, coarse, sites], _sidecar())
    limit = str(said.value).rsplit("limit = ", 1)[1]
    held = f'rain = {{ mean = 0, scale = 1, missing = "hold", limit = {limit} }}'
    fitting = _sidecar(BASE.replace("rain = { mean = 0, scale = 1 }", held))
    assert windows([series, coarse, sites], fitting).samples == 10
    hours = pd.date_range("2020-01-01", "2020-01-09", freq="6h")
    fine = pd.concat([
        pd.DataFrame({"day": hours, "basin": b, "rain": np.arange(len(hours))}) for b in "AB"
    ])
    with pytest.raises(DataError, match="leave in it the rows at the times of the series"):
        windows([series, fine, sites], _sidecar())
    assert windows([series, fine[fine["day"].dt.hour == 0], sites], _sidecar()).samples == 10


def test_a_column_that_stands_in_two_tables(tables, tmp_path):
    series, weather, sites = tables
    with pytest.raises(DataError, match="both have the column 'rain'"):
        windows([series.assign(rain=0.0), weather, sites], _sidecar())
    weather.to_csv(tmp_path / "weather.csv", index=False)
    named = _sidecar(BASE.replace("ahead = 2", f"ahead = 2\ntable = '{tmp_path}/weather.csv'"))
    made = windows([series.assign(rain=0.0), sites], named)
    assert made["weather"].values.any()


def test_an_input_that_is_nowhere_whole(tables):
    series, weather, sites = tables
    early = weather[weather["day"] < "2020-01-04"]
    with pytest.raises(DataError, match="no window has all of its inputs: 'weather'"):
        windows([series, early, sites], _sidecar())


def test_an_input_that_the_network_lacks_and_one_that_the_sidecar_lacks(tables):
    made = windows(list(tables), _sidecar())
    with pytest.raises(DataError, match="describes an input 'site', which the network does not"):
        made.laid_out({"past": (3, 1), "weather": (2, 1)})
    with pytest.raises(DataError, match=r"'more', of which.*\[inputs.more\]"):
        made.laid_out({"past": (3, 1), "weather": (2, 1), "site": (1,), "more": (1,)})
    with pytest.raises(DataError, match=r"'site' takes \(4\).*list what the network takes"):
        made.laid_out({"past": (3, 1), "weather": (2, 1), "site": (4,)})


def test_a_known_future_in_one_row_has_a_name_for_each_step(tables):
    made, arrays = windows(list(tables), _sidecar()).laid_out({
        "past": (3, 1), "weather": (2,), "site": (1,)
    })  # fmt: skip
    assert arrays["weather"].shape == (10, 2) and "weather" in made.static
    assert made["weather"].features == ("rain t+1", "rain t+2")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ahead = 2", "ahead = 2\nstatic = true", "static, one value a window"),
        ("static = true", 'static = true\nkey = "id"', "key names a column of its own table"),
        ("window = 3", "", "window is missing"),
        ("ahead = 2", "ahed = 2", "did you mean 'ahead'"),
        ("window = 3", "window = 3\nfeatures = {}", "features and inputs are both there"),
        ("[inputs.past.features]", "[inputs.past]\nahead = 1\n[inputs.past.features]", "a series"),
    ],
)
def test_a_sidecar_that_contradicts_itself(old, new, said):
    with pytest.raises(ConfigError, match=said):
        _sidecar(BASE.replace(old, new, 1))


def test_a_sidecar_of_several_inputs_is_read_as_it_is_written():
    sidecar = _sidecar(BASE + "slope = { value = 0.5, mean = 0, scale = 1 }\n")
    assert Sidecar(**from_toml(sidecar.to_toml())) == sidecar
