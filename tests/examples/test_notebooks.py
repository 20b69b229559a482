"""The notebooks run, are short, print what is stored in them, and say what is true."""

from __future__ import annotations

import json
import re
from functools import cache

import numpy as np
import pytest

from notebooks import FOLDER, code_of, names, printed_in, run

NOTEBOOKS = [
    "keras_forecaster",
    "masked_text_classifier",
    "multi_step_forecaster",
    "pytorch_forecaster",
]
MOST_LINES = 20
#: Sums of some dozens of float64 numbers of order one.
ROUNDING = 1e-9

ran = cache(run)


def mean_size(found):
    """Mean absolute contribution over the windows."""
    return abs(found.contribution).mean("sample")


def without_numbers(text: str) -> str:
    """What changes neither with the processor nor with the models that Keras counted before."""
    return re.sub(r"[-+\d.,\s]+", " ", re.sub(r"_\d+", "", text))


def test_the_notebooks_are_these():
    assert names() == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_at_most_twenty_lines_of_code(name):
    lines = [line for code in code_of(name) for line in code.splitlines() if line.strip()]
    assert 0 < len(lines) <= MOST_LINES


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_of_format_4_with_short_texts_between(name):
    book = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert book["nbformat"] == 4
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    texts = [cell["source"] for cell in book["cells"] if cell["cell_type"] == "markdown"]
    assert texts[0][0].startswith("# ")
    assert all(len(text) <= 6 for text in texts)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_prints_what_is_stored_in_it(name):
    _, printed = ran(name)
    assert any(printed)
    assert list(map(without_numbers, printed)) == list(map(without_numbers, printed_in(name)))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_contributions_and_the_baseline_forecast_sum_to_the_forecast(name):
    found = ran(name)[0]["found"]
    total = found.contribution.sum(["lag", "feature"]) + found.baseline_forecast
    np.testing.assert_allclose(total, found.forecast, rtol=0, atol=ROUNDING)
    assert float(found.contribution.std()) > 0.01


def test_the_keras_forecaster_rests_on_the_rain_at_lag_3():
    space, _ = ran("keras_forecaster")
    size = mean_size(space["found"])
    assert size.sel(feature="rain").idxmax() == 3
    assert size.sel(feature="rain", lag=3) > 0.5 * size.sum()
    assert space["found"].method == "owen"
    assert "True" in "".join(printed_in("keras_forecaster"))


def test_the_pytorch_forecaster_rests_on_demand_at_lag_1_and_price_at_lag_2():
    space, printed = ran("pytorch_forecaster")
    size = mean_size(space["found"])
    assert size.sel(feature="demand").idxmax() == 1
    assert size.sel(feature="price").idxmax() == 2
    assert size.sel(feature="demand", lag=1) + size.sel(feature="price", lag=2) > 0.8 * size.sum()
    assert printed[-1] == "True True\n"


def test_each_horizon_of_the_multi_step_forecaster_rests_on_its_own_lag():
    space, _ = ran("multi_step_forecaster")
    found = space["found"]
    assert found.contribution.dims == ("sample", "lag", "feature", "horizon", "target")
    newest = mean_size(found).sum("feature").idxmax("lag")
    assert newest.sel(target="level").values.tolist() == [4, 3, 2]
    assert newest.sel(target="load").values.tolist() == [3, 2, 1]
    forecasts = space["model"].predict(space["X"][:30], verbose=0)
    # Keras computes in float32
    np.testing.assert_allclose(found.forecast, forecasts, rtol=0, atol=1e-5)


def test_padding_gets_exactly_zero_and_not_turns_a_word_around():
    space, printed = ran("masked_text_classifier")
    found, texts, words = space["found"], space["texts"], space["words"]
    by_lag = found.contribution[:, :, 0].values
    real = (texts > 0).sum(axis=1)
    for row, count in zip(by_lag, real, strict=True):
        assert np.all(row[:count] != 0)
        assert np.array_equal(row[count:], np.zeros(texts.shape[1] - count))
    assert [words[w] for w in texts[1][3:5]] == ["not", "good"]
    assert [words[w] for w in texts[2][3:5]] == ["not", "bad"]
    assert by_lag[1, 0] > 0 > by_lag[1, 1]
    assert by_lag[2, 1] > 0
    assert found.explained_on == "logits"
    assert "the newest real step" in printed[1]
    logit = found.forecast.values
    probability = space["model"].predict(texts, verbose=0)[:, 0]
    # Keras computes in float32
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), probability, rtol=0, atol=1e-5)
