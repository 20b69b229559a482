"""The verb: every network that recurs gets the measures that are defined, and true reasons."""

import json

import numpy as np
import pytest

import rnnlens
from joined_networks import joined
from linear_networks import linear_network
from networks import forecaster, stacked_bidirectional
from rnnlens.cli.output import as_json
from rnnlens.errors import DataError, InputError
from rnnlens.views.charts import memory as memory_chart
from rnnlens.views.tables.memory import measure_rows, memory_summary
from rnnlens.views.words.inside.memory import memory_sentences
from small_networks import small


def series_windows(rng, count, steps, features):
    series = rng.normal(size=(count + steps - 1, features))
    return np.stack([series[t : t + steps] for t in range(count)])


def reasons(page):
    return json.loads(page.attrs["not_given"])


def test_bound_for_new_windows_jumps_at_the_lag_of_a_delay_line(rng):
    coefficients = np.zeros((5, 1))
    coefficients[4] = 1.0
    page = rnnlens.memory(
        linear_network(coefficients), series_windows(rng, 80, 11, 1), target=0, histories=10
    )
    bound = page["bound"].values
    assert (bound[:4] > 1).all() and not bound[4:].any()
    assert page.attrs["horizon"] == 5
    lags = {row["measure"]: row["within_most"] for row in measure_rows(page)}
    assert {lags[name] for name in ("derivative", "cut", "replaced", "any history")} == {5.0}
    assert "5 steps" in page.attrs["summary"]


def test_error_of_shorter_windows_is_that_of_the_forecast_from_them(rng):
    net = forecaster("lstm", rng, steps=9, targets=1)
    x, y = series_windows(rng, 50, 9, 3), rng.normal(size=50)
    page = rnnlens.memory(net, x, y, target=0, kept=[2, 8])
    for k in (2, 8):
        alone = rnnlens.predict(forecaster("lstm", np.random.default_rng(1997), steps=k, targets=1),
                                x[:, -k:])[:, 0]  # fmt: skip
        expected = np.abs(alone - y).mean()
        np.testing.assert_allclose(page["truncation_error"].sel(kept=k), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("tokens", {"derivative"}),
        ("masked tokens", {"derivative"}),
        ("one of all", {"gates"}),
        ("two inputs", {"cut"}),
        ("both ways", {"cut"}),
        ("one window", {"cut", "replaced"}),
        ("constant forecast", {"cut", "replaced"}),
    ],
)
def test_measures_that_are_not_defined_are_left_out_and_the_others_given(name, missing):
    net, x = small(name)
    page = rnnlens.memory(net, x, target=0)
    # 12 windows make too few blocks, and nothing says what happened
    assert set(reasons(page)) == missing | {"any history", "truncation"}
    assert all(why and "\n" not in why for why in reasons(page).values())
    given = {row["measure"] for row in measure_rows(page)}
    assert given == {"gates", "derivative", "exponents", "cut", "replaced"} - missing
    as_json(memory_summary(page))
    assert memory_chart(page).to_dict()["vconcat"]


@pytest.mark.parametrize(
    "name", ["static repeated", "static after", "static as a state", "category", "both ways"]
)
def test_that_nothing_is_cut_is_laid_to_the_other_inputs_wherever_they_go_in(name):
    net, arrays = joined(name)
    why = reasons(rnnlens.memory(net, arrays, target=0))
    assert why["cut"] == "the network takes other inputs beside the windows"


def test_each_layer_and_direction_of_a_stack_has_its_units_and_exponents(rng):
    page = rnnlens.memory(stacked_bidirectional(rng), rng.normal(size=(30, 6, 3)), target=0)
    layers = {str(n.attrs["layer"]): n for n in page.subtree if "half_life" in n}
    assert set(layers) == {
        "bidirectional.forward", "bidirectional.backward", "recurrent", "recurrent_1"
    }  # fmt: skip
    sizes = {name: node.dataset.sizes["exponent"] for name, node in layers.items()}
    assert sizes["bidirectional.forward"] == 8 and sizes["recurrent"] == 4
    assert np.isnan(layers["recurrent_1"].dataset["half_life"].values).all()
    assert "one after another" not in reasons(page)["cut"]
    assert page.attrs["way"] == "windows"


def test_lags_are_said_in_time_where_the_step_is_known():
    from rnnlens.demo.weather import demo_files, weather_windows

    windows = weather_windows().newest(60)
    page = rnnlens.memory(rnnlens.read(demo_files().network), windows, target="temp")
    assert page.attrs["step"] == "1h" and page["bound"].attrs["units"] == "F"
    said = memory_sentences(page)
    assert any(" h)" in one for one in said)
    assert "measures" in said[-1]
    assert page["truncation_error"].sizes["kept"] == page.sizes["kept"]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"kept": [3, 7]}, DataError, "7 steps cannot be kept of windows of 7"),
        ({"kept": [0]}, InputError, "kept must be whole numbers from 1"),
        ({"block": 4}, DataError, "30 windows make 7 blocks of 4"),
        ({"alpha": 1.0}, InputError, "alpha must be a number above 0 and below 1"),
        ({"tolerance": -1.0}, InputError, "tolerance must be a number from 0"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence_whose_advice_works(
    options, error, said, rng
):
    net, x = forecaster("gru_after", rng), rng.normal(size=(30, 7, 3))
    with pytest.raises(error, match=said):
        rnnlens.memory(net, x, target=0, **options)
    rnnlens.memory(net, x, target=0, kept=[1, 6], block=1)


def test_network_in_which_nothing_recurs_is_refused():
    net, x = small("no recurrent layer")
    with pytest.raises(InputError, match="nothing is carried from step to step"):
        rnnlens.memory(net, x, target=0)
