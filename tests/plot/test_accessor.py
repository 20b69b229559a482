"""Every result becomes a tidy table, a chart, and of contributions an object of shap."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import xarray as xr

from processes import python
from rnnlens.errors import DataError, InputError, MissingLibrary


def test_the_table_has_every_number_in_a_row_of_its_own(results):
    explained = results("explain")
    table = explained.rnnlens.pandas()
    sizes = {str(name): array.size for name, array in explained.data_vars.items()}
    assert table["variable"].value_counts().to_dict() == sizes
    own = table[table["variable"] == "contribution"]
    row = own[(own["sample"] == 3) & (own["lag"] == 2) & (own["feature"] == "dewp")]
    assert row["value"].tolist() == [float(explained["contribution"].sel(lag=2, feature="dewp")[3])]
    by_layer = results("weights").rnnlens.pandas()
    assert set(by_layer["layer"]) == {"lstm", "dense"}


@pytest.mark.parametrize(
    ("verb", "marks"),
    [("lags", "bar"), ("fixed_points", "line"), ("interactions", "rect"), ("memory", "rule")],
)
def test_a_result_draws_the_chart_of_its_verb(verb, marks, results):
    assert f'"type": "{marks}"' in results(verb).rnnlens.plot().to_json(indent=None)


def test_one_forecast_is_drawn_as_a_waterfall_and_several_by_lag(results):
    explained = results("explain")
    one = explained.isel(sample=[0]).rnnlens.plot(width=84).to_dict()
    assert " ".join(one["title"]["text"]).startswith("How the forecast of temp is made")
    several = explained.rnnlens.plot().to_dict()
    assert several["title"]["text"].startswith("From the baseline forecast")
    with pytest.raises(InputError, match="there is no chart of a result of rnnlens.check"):
        results("check").rnnlens.plot()
    with pytest.raises(InputError, match="there is no chart of a result of this kind"):
        xr.Dataset().rnnlens.plot()


def test_an_explanation_of_shap_sums_to_the_forecast_and_has_the_values(results):
    shap = pytest.importorskip("shap")
    explained, windows = results("explain"), results("windows")
    made = explained.rnnlens.shap(windows)
    assert isinstance(made, shap.Explanation)
    np.testing.assert_allclose(
        made.base_values + made.values.sum(axis=1), explained["forecast"].values, atol=1e-9
    )
    assert made.feature_names[:2] == ["temp t-1", "dewp t-1"]
    assert made.data[5, 0] == windows.original[5, -1, 0]
    assert made.data[5, 10] == windows.original[5, -2, 0]
    assert results("tree").rnnlens.shap().feature_names[-1] == "t-4 to t-24"


class Explanation:
    """As much of shap's class as holds what it is given."""

    def __init__(self, **given: object) -> None:
        self.__dict__.update(given)


def test_what_shap_is_given_sums_to_the_forecast(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", type(sys)("shap"))
    monkeypatch.setattr(sys.modules["shap"], "Explanation", Explanation, raising=False)
    explained, windows = results("explain"), results("windows")
    made = explained.rnnlens.shap(windows)
    sums = made.base_values + made.values.sum(axis=1)
    np.testing.assert_allclose(sums, explained["forecast"].values, atol=1e-9)
    # naive: one number at a time, newest lag first
    lags, features = explained["lag"].values, explained["feature"].values
    for column in (0, 7, 10, 239):
        lag, feature = lags[column // 10], features[column % 10]
        assert made.feature_names[column] == f"{feature} t-{lag}"
        wanted = explained["contribution"].sel(lag=lag, feature=feature).values
        np.testing.assert_array_equal(made.values[:, column], wanted)
        np.testing.assert_array_equal(
            made.data[:, column], windows.original[:, 24 - lag, column % 10]
        )
    assert results("tree").rnnlens.shap().feature_names == ["t-1", "t-2", "t-3", "t-4 to t-24"]
    assert np.isnan(explained.rnnlens.shap().data).all()
    with pytest.raises(DataError, match="X must be the windows that were explained"):
        explained.rnnlens.shap(windows.newest(2))
    with pytest.raises(InputError, match=r"^\.rnnlens\.shap takes contributions, and the method"):
        results("occlusion").rnnlens.shap()
    with pytest.raises(InputError, match=r"^\.rnnlens\.shap takes a result of rnnlens\.explain"):
        results("lags").rnnlens.shap()


def test_without_shap_it_is_said_how_to_install_it(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(MissingLibrary, match=r"not installed: pip install shap$"):
        results("explain").rnnlens.shap()


def test_a_result_knows_it_without_a_word_and_a_file_after_an_import():
    first = (
        "import numpy as np, rnnlens, xarray as xr\n"
        "from rnnlens.demo.weather import demo_files\n"
        "assert not hasattr(xr.Dataset, 'rnnlens')\n"
        "rnnlens.weights(demo_files().network).rnnlens.pandas()\n"
        "print(xr.Dataset().rnnlens)"
    )
    run = python("-c", first)
    assert run.returncode == 0, run.stderr
    later = python("-c", "import rnnlens.accessor, xarray as xr\nprint(xr.Dataset().rnnlens)")
    assert later.returncode == 0, later.stderr
