"""A drafted sidecar says what content says, marks what it guesses, and is read as it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnlens.errors import ConfigError, DataError
from rnnlens.series.build import windows
from rnnlens.series.draft.draft import draft
from rnnlens.series.draft.facts import Asked, Facts
from rnnlens.series.draft.several import draft_of_inputs
from rnnlens.series.scalers.read import columns_of_object
from rnnlens.series.sidecar import Sidecar, read_sidecar
from rnnlens.series.sidecar_text import from_toml

ROWS = 400


@pytest.fixture
def table(rng):
    """Hourly weather with a hole, an hour of the day, texts, a counter and a constant."""
    hours = np.setdiff1d(np.arange(ROWS + 3), [50, 51, 200])
    times = np.datetime64("2020-03-01T00", "h") + hours
    walk = np.cumsum(rng.normal(size=(ROWS, 2)), axis=0)
    return pd.DataFrame({
        "No": np.arange(ROWS),
        "time": times.astype(str),
        "temp": 10 + walk[:, 0],
        "rain": rng.exponential(size=ROWS) * 3,
        "hour": hours % 24,
        "wind": rng.choice(["N", "NE", "S"], ROWS),
        "flow": 50 + 8 * walk[:, 1],
    })


def outputs_of(places, scale=1.0):
    """A network that gives the newest values of some features back."""
    return lambda values: values[:, -1, places] * scale


def drafted(facts, table, run=None, **asked):
    return draft(facts, table, Asked(**asked), run)


def numbers(**fields):
    return columns_of_object({name: np.asarray(values) for name, values in fields.items()})


def read_back(made, tmp_path):
    path = tmp_path / "made.toml"
    path.write_text(made.text, encoding="utf-8")
    sidecar = read_sidecar(path)
    assert sidecar == made.sidecar
    return sidecar


def checked_lines(made):
    return [line.partition(" ")[0] for line in made.text.splitlines() if "# CHECK" in line]


def test_a_scaler_without_names_is_matched_to_the_columns_that_it_was_fitted_on(table, tmp_path):
    part = table[["temp", "rain", "flow"]].to_numpy()
    for scaler in (
        numbers(mean=part.mean(axis=0), std=part.std(axis=0)),
        numbers(min=part.min(axis=0), max=part.max(axis=0)),
    ):
        run = outputs_of([2])
        made = drafted(Facts(3, 1, 24), table, run, scaler=scaler)
        sidecar = read_back(made, tmp_path)
        assert sidecar.feature_names == ("temp", "rain", "flow")
        assert sidecar.target_names == ("flow",)
        assert (sidecar.time, sidecar.step, sidecar.window, sidecar.lead) == ("time", "1h", 24, 1)
        assert len(windows(table, sidecar)) > 100
        assert checked_lines(made) == ["lead", "targets"]
        assert any(note.endswith("have the numbers (sure)") for note in made.notes)


def test_the_rows_that_a_scaler_was_fitted_on_say_where_training_ended(table, tmp_path):
    part = table[["temp", "flow"]].to_numpy()[: int(0.8 * ROWS)]
    scaler = numbers(mean=part.mean(axis=0), std=part.std(axis=0))
    made = drafted(Facts(2, 2, 12), table, scaler=scaler)
    sidecar = read_back(made, tmp_path)
    assert sidecar.feature_names == ("temp", "flow")
    assert sidecar.test_from == np.datetime64(table["time"][int(0.8 * ROWS)])
    assert "test_from" in checked_lines(made)


def test_columns_in_another_order_are_told_where_their_numbers_leave_no_doubt(table):
    part = table[["flow", "temp"]].to_numpy()
    made = drafted(
        Facts(2, 2, 12), table, scaler=numbers(mean=part.mean(axis=0), std=part.std(axis=0))
    )
    assert made.sidecar.feature_names == ("flow", "temp")


def test_a_scaler_of_other_data_is_a_guess_at_each_line(table):
    made = drafted(Facts(2, 2, 12), table, scaler=numbers(mean=[1e4, 7.0], std=[3.0, 1e3]))
    assert (
        sum(line in {"temp", "rain", "hour", "No", "flow", "wind"} for line in checked_lines(made))
        == 2
    )
    assert any("not near" in note for note in made.notes)


def test_a_scaler_with_names_gives_columns_and_texts_by_their_names(table, tmp_path):
    scaler = numbers(mean=[0.0, 0.3], std=[1.0, 0.4], names=["temp", "wind_NE"])
    sidecar = read_back(drafted(Facts(2, 1, 12), table, scaler=scaler), tmp_path)
    assert (sidecar.features[1].column.of, sidecar.features[1].column.equals) == ("wind", "NE")
    with pytest.raises(DataError, match=r"'tempp', which the table has not \(did you mean 'temp'"):
        drafted(
            Facts(2, 1, 12), table, scaler=numbers(mean=[0, 0], std=[1, 1], names=["tempp", "rain"])
        )


def test_texts_that_were_numbered_are_given_as_a_map(table, tmp_path):
    scaler = numbers(min=[table["rain"].min(), 0.0], max=[table["rain"].max(), 2.0])
    made = drafted(Facts(2, 1, 12), table, scaler=scaler)
    sidecar = read_back(made, tmp_path)
    assert sidecar.features[1].column.map == (("N", 0.0), ("NE", 1.0), ("S", 2.0))
    assert "wind" in checked_lines(made)


def test_columns_are_taken_by_their_count_where_nothing_else_says(table, tmp_path):
    made = drafted(Facts(4, 1, 12), table)
    sidecar = read_back(made, tmp_path)
    assert sidecar.feature_names == ("temp", "rain", "hour", "flow")
    assert sidecar.held == ("hour",)
    values = table["temp"].to_numpy()
    assert sidecar.features[0].mean == pytest.approx(values.mean(), rel=1e-5)
    assert {"temp", "rain", "hour", "flow"} <= set(checked_lines(made))
    fewer = drafted(Facts(2, 1, 12), table)
    assert fewer.sidecar.feature_names == ("temp", "rain")
    assert "or one of hour, flow?" in fewer.text
    with pytest.raises(DataError, match="takes 9 features and the table has 6 columns that may be"):
        drafted(Facts(9, 1, 12), table)


def test_the_scaling_is_that_by_which_the_outputs_go_with_the_data(table):
    """Saturated where it is not given what it was trained on, as a real network is."""

    def run(values):
        return np.tanh(8 * (values[:, -1, :1] - 0.5)) + 0 * values[:, -1, :1]

    made = drafted(Facts(3, 1, 12), table[["time", "temp", "rain", "flow"]], run)
    assert made.sidecar.features[0].limits is not None
    assert any("smallest and largest value of this table" in note for note in made.notes)
    own = drafted(Facts(3, 1, 12, scales_itself=True), table[["time", "temp", "rain", "flow"]], run)
    assert [v.scale for v in own.sidecar.features] == [1.0, 1.0, 1.0]


def test_several_outputs_are_columns_or_steps_of_one(table, tmp_path):
    names = ["temp", "rain", "flow"]
    part = table[names].to_numpy()
    scaler = numbers(mean=part.mean(axis=0), std=part.std(axis=0))
    two = drafted(Facts(3, 2, 12), table, outputs_of([2, 0]), scaler=scaler)
    assert read_back(two, tmp_path).target_names == ("flow", "temp")
    steps = drafted(Facts(3, 4, 12), table, outputs_of([2, 2, 2, 2]), scaler=scaler)
    sidecar = read_back(steps, tmp_path)
    assert sidecar.target_names == ("flow t+1", "flow t+2", "flow t+3", "flow t+4")
    assert sidecar.leads == (1, 2, 3, 4)


def test_what_the_user_says_is_taken_and_not_guessed(table, tmp_path):
    made = drafted(
        Facts(2, 1, None), table, features=("flow", "rain"), targets=("temp",), window=6, lead=3
    )
    sidecar = read_back(made, tmp_path)
    assert (sidecar.feature_names, sidecar.target_names) == (("flow", "rain"), ("temp",))
    assert (sidecar.window, sidecar.lead) == (6, 3)
    assert not {"window", "lead", "targets"} & set(checked_lines(made))
    with pytest.raises(
        ConfigError, match="features names 'flwo', and the table has no such column"
    ):
        drafted(Facts(2, 1, 6), table, features=("flwo", "rain"))
    with pytest.raises(ConfigError, match="targets names 'tepm', and the table has no such column"):
        drafted(Facts(2, 1, 6), table, features=("flow", "rain"), targets=("tepm",))
    with pytest.raises(ConfigError, match="gives 3 outputs and 2 targets were named"):
        drafted(Facts(2, 3, 6), table, features=("flow", "rain"), targets=("temp", "flow"))
    with pytest.raises(DataError, match="takes 2 features and 1 were found"):
        drafted(Facts(2, 2, 6), table, features=("flow",))


def test_a_target_scaler_gives_the_targets_their_own_scaling(table, tmp_path):
    own = numbers(min=[0.0], max=[90.0], names=["flow"])
    made = drafted(Facts(2, 1, 6), table, features=("flow", "rain"), target_scaler=own)
    (target,) = read_back(made, tmp_path).targets
    assert (target.name, target.scale) == ("flow", 90.0)


CLOCKS = {
    "parts": (lambda t: {part: getattr(t.dt, part) for part in ("year", "month", "day", "hour")},
              {"time": ("year", "month", "day", "hour")}),
    "date and time": (lambda t: {"Date": t.dt.strftime("%Y-%m-%d"), "Time": t.dt.strftime("%H:%M")},
                      {"time": ("Date", "Time")}),
    "days first": (lambda t: {"when": t.dt.strftime("%d.%m.%Y %H:%M")},
                   {"time": "when", "time_format": "%d.%m.%Y %H:%M"}),
    "offsets": (lambda t: {"when": t.dt.strftime("%Y-%m-%dT%H:%M+00:00")}, {"time": "when"}),
}  # fmt: skip


@pytest.mark.parametrize(("write", "wanted"), CLOCKS.values(), ids=CLOCKS)
def test_times_are_found_however_they_are_written(write, wanted, table, tmp_path):
    times = pd.to_datetime(table["time"]).to_frame()["time"]
    columns = {**write(times), "temp": table["temp"], "rain": table["rain"]}
    path = tmp_path / "series.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    sidecar = read_back(drafted(Facts(2, 2, 6), path), tmp_path)
    assert {key: getattr(sidecar, key) for key in wanted} == wanted
    assert (sidecar.step, sidecar.feature_names) == ("1h", ("temp", "rain"))
    assert len(windows(path, sidecar)) > 100


def test_business_days_and_stations_are_told(table, tmp_path):
    days = pd.bdate_range("2020-01-01", periods=ROWS)
    made = drafted(Facts(1, 1, 6), pd.DataFrame({"day": days, "price": table["flow"]}))
    assert read_back(made, tmp_path).step == "1 row"
    twice = pd.concat([table.assign(station=name) for name in ("east", "west")], ignore_index=True)
    panel = read_back(drafted(Facts(2, 2, 6), twice, features=("temp", "rain")), tmp_path)
    assert (panel.group, panel.step) == ("station", "1h")


def test_cells_without_a_value_are_gaps_and_said(table, tmp_path):
    table.loc[[5, 6, 90], "rain"] = np.nan
    made = drafted(Facts(2, 2, 6), table[["time", "temp", "rain"]])
    assert read_back(made, tmp_path).features[1].column.missing == "drop"
    assert "3 empty cells: as in training?" in made.text


def test_one_name_for_several_outputs_is_one_variable_at_several_steps(table, tmp_path):
    own = numbers(min=[0.0], max=[90.0], names=["flow"])
    each = numbers(min=[0.0] * 3, max=[90.0, 80.0, 70.0])
    asked = {"features": ("flow", "rain"), "targets": ("flow",), "target_scaler": each}
    made = drafted(Facts(2, 3, 6), table, **asked)
    assert [one.scale for one in read_back(made, tmp_path).targets] == [90.0, 80.0, 70.0]
    for asked in ({"targets": ("flow",)}, {"target_scaler": own}):
        made = drafted(Facts(2, 3, 6), table, features=("flow", "rain"), **asked)
        targets = read_back(made, tmp_path).targets
        assert [(one.name, one.lead) for one in targets] == [(f"flow t+{k}", k) for k in (1, 2, 3)]
        assert ("target_scaler" in asked) == all(one.scale == 90.0 for one in targets)
        assert any("3 steps one after the other" in note for note in made.notes)


@pytest.mark.parametrize(
    "name", ["rain\n# x = 1", "rain\r\nmm", "a\u2028b", "tab\tand\x07bell", 'q"]']
)
def test_a_name_with_a_line_break_stays_within_its_line(table, name):
    known = table.rename(columns={"rain": name}).drop(columns=["hour", "wind", "No"])
    made = draft(Facts(3, 1, 5), known, Asked(), outputs_of([2]))
    assert name in made.sidecar.feature_names
    assert made.checks == made.text.count("# CHECK")
    assert Sidecar(**from_toml(made.text)).feature_names == made.sidecar.feature_names


def test_names_of_inputs_are_written_as_keys_whatever_stands_in_them():
    made = draft_of_inputs({'in"put': (5, 2), "a\nb": (3,)}, None, None)
    assert [one.name for one in made.sidecar.inputs] == ['in"put', "a\nb"]
    assert made.checks == made.text.count("# CHECK")
