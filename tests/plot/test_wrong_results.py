"""What is not the result that a chart draws is refused in one sentence that names the verb."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pandas as pd
import pytest

from drawings import DRAWN
from rnnlens import plot
from rnnlens.errors import DataError, InputError

#: Charts by the verb whose result they take.
OF = {
    "baselines": "compare_baselines",
    "beeswarm": "explain",
    "bifurcations": "bifurcations",
    "calendar": "explain",
    "certificates": "certify",
    "compared_weights": "compare_weights",
    "eigenvalues": "fixed_points",
    "fixed_points": "fixed_points",
    "forecast": "explain",
    "gate_contributions": "gate_contributions",
    "gates": "trace",
    "interactions": "interactions",
    "lag_contributions": "explain",
    "lag_feature": "explain",
    "lag_shares": "lags",
    "memory": "memory",
    "probe": "probe",
    "summarized_weights": "summarize_weights",
    "waterfall": "explain",
    "weights": "weights",
}


@pytest.mark.parametrize("chart", OF)
@pytest.mark.parametrize("verb", ["explain", "lags", "gate_contributions", "trace", "check"])
def test_the_result_of_another_verb_is_refused_by_the_name_of_the_right_one(chart, verb, results):
    if OF[chart] == verb:
        return
    with pytest.raises(InputError) as refused:
        getattr(plot, chart)(results(verb))
    said = str(refused.value)
    assert said.startswith(f"rnnlens.plot.{chart} takes a result of rnnlens.{OF[chart]}")
    assert f"call rnnlens.{OF[chart]}(" in said and "\n" not in said


@pytest.mark.parametrize("chart", OF)
@pytest.mark.parametrize("given", [None, {}, 3.0, np.zeros((2, 3)), pd.DataFrame({"a": [1]})])
def test_what_is_no_result_at_all_is_refused(chart, given):
    with pytest.raises(InputError, match=rf"rnnlens\.plot\.{chart} takes a result of rnnlens"):
        getattr(plot, chart)(given)


@pytest.mark.parametrize("given", [None, {}, {"layers": []}, np.zeros(3)])
def test_what_is_no_description_and_no_record_is_refused(given):
    with pytest.raises(InputError, match="takes what rnnlens.describe gives"):
        plot.anatomy(given)
    with pytest.raises(DataError, match="the table is no record of a training"):
        plot.record(given)


@pytest.mark.parametrize("chart", [name for name, verb in OF.items() if verb == "explain"])
def test_an_empty_result_and_one_with_nan_are_refused(chart, results):
    explained = results("explain")
    with pytest.raises(DataError, match=r"is empty.*call rnnlens\.explain\(net, X\) with one win"):
        getattr(plot, chart)(explained.isel(sample=slice(0, 0)))
    broken = explained.copy(deep=True)
    broken["contribution"][3, 4, 0] = np.nan
    broken["forecast"][3] = np.nan
    with pytest.raises(DataError, match=r"is NaN in 1 of [\d,]+ places.*dropna\('sample'") as why:
        getattr(plot, chart)(broken)
    # what the sentence advises works
    name = re.search(r"subset=\['(\w+)'\]", str(why.value))
    assert name
    getattr(plot, chart)(broken.dropna("sample", subset=[name[1]]))


def test_numbers_that_do_not_sum_are_not_drawn_as_contributions(results):
    for chart in ("waterfall", "lag_contributions", "beeswarm", "calendar", "lag_feature"):
        with pytest.raises(InputError, match="'occlusion' gives change, which does not sum"):
            getattr(plot, chart)(results("occlusion"))


def test_contributions_by_lag_alone_have_no_map_by_feature(results):
    with pytest.raises(InputError, match=r"contribution \(sample, lag, feature\), and this does"):
        plot.lag_feature(results("tree"))
    with pytest.raises(DataError, match="are by lag alone: leave by out, or explain with method"):
        plot.waterfall(results("tree"), by="feature")
    with pytest.raises(DataError, match="are by lag alone: leave X out"):
        plot.beeswarm(results("tree"), results("windows"))


def test_windows_that_were_not_explained_are_refused(results):
    with pytest.raises(DataError, match="X must be the windows that were explained, 40 samples"):
        plot.beeswarm(results("explain"), results("windows").newest(3))
    with pytest.raises(InputError, match="sample must be a whole number from 0 to 39, not 40"):
        plot.waterfall(results("explain"), sample=40)
    with pytest.raises(InputError, match="by must be one of feature, lag, both, not 'gate'"):
        plot.waterfall(results("explain"), by="gate")


def test_methods_must_be_several_and_about_the_same(results):
    explained = results("explain")
    with pytest.raises(InputError, match="takes two or more results by name"):
        plot.methods({"secant": explained})
    with pytest.raises(InputError, match="takes two or more results by name"):
        plot.methods(explained)
    with pytest.raises(InputError, match="takes a result of rnnlens.explain, and this is one of"):
        plot.methods({"secant": explained, "lags": results("lags")})
    with pytest.raises(DataError, match="are about other windows, for their forecasts differ"):
        plot.methods({"secant": explained, "tree": results("tree")})
    other = results("occlusion").assign_attrs(target="dewp")
    with pytest.raises(DataError, match="is about the target 'temp' and 'occlusion' about 'dewp'"):
        plot.methods({"secant": explained, "occlusion": other})


def test_a_layer_that_is_not_there_and_units_of_another_are_refused(results):
    with pytest.raises(InputError, match=r"no layer 'lstn' that is drawn here \(did you mean"):
        plot.weights(results("weights"), layer="lstn")
    with pytest.raises(InputError, match="kind must be one of W, U, b, not 'V'"):
        plot.weights(results("weights"), kind="V")
    carried = results("gate_contributions").assign_attrs(layer="other")
    with pytest.raises(DataError, match="carried is of the layer 'other', and the weights are of"):
        plot.weights(results("weights"), carried=carried)


def test_one_point_spans_no_plane_and_what_was_not_traced_is_missed(results):
    found = results("fixed_points")
    with pytest.raises(DataError, match="span no plane: give the states of windows too"):
        plot.fixed_points(found)
    other = found.assign_coords(state_layer=("state", ["gru"] * found.sizes["state"]))
    with pytest.raises(DataError, match="of the layer 'gru' that was not traced"):
        plot.fixed_points(other, results("trace"))


@pytest.mark.parametrize("name", plot.__all__)
def test_a_chart_says_what_it_takes_gives_and_refuses(name):
    function = getattr(plot, name)
    text = inspect.getdoc(function) or ""
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"{section}\n{'-' * len(section)}" in text, f"{name} has no section {section}"
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"\b{parameter}\b", text), f"{name} does not say what {parameter} is"


def test_names_are_sorted_and_each_is_drawn():
    assert plot.__all__ == sorted(plot.__all__)
    assert set(OF) | {"anatomy", "record", "methods", "save"} == set(plot.__all__)
    assert set(DRAWN) | {"probe", "save"} == set(plot.__all__)
