"""Labelling: the declared dimensions become the axes of a Dataset, and mistakes are named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from rnnlens.errors import DataError, InputError
from rnnlens.names import declared
from rnnlens.results import label, label_tree, node_path


@dataclass(frozen=True)
class Explained:
    contribution: np.ndarray = declared("sample", "lag", "feature")
    forecast: np.ndarray = declared("sample")
    actual: np.ndarray | None = declared("sample")
    largest: float = declared()
    seed: int = 0


@dataclass(frozen=True)
class Traced:
    hidden: np.ndarray = declared("sample", "step", "unit")


def explained(samples: int = 3, lags: int = 4) -> Explained:
    random = np.random.default_rng(0)
    return Explained(
        contribution=random.normal(size=(samples, lags, 2)),
        forecast=random.normal(size=samples),
        actual=None,
        largest=2.5,
        seed=7,
    )


def test_every_declared_field_becomes_a_variable_with_its_axes_in_the_declared_order():
    result = explained()
    labelled = label(result, coords={"lag": [1, 2, 3, 4], "feature": ["temp", "dewp"]})
    assert labelled.contribution.dims == ("sample", "lag", "feature")
    np.testing.assert_array_equal(labelled.contribution.values, result.contribution)
    assert (
        labelled.sel(lag=2, feature="dewp").contribution.values[1] == result.contribution[1, 1, 1]
    )
    np.testing.assert_equal(labelled.largest.item(), 2.5)
    assert "actual" not in labelled


@dataclass(frozen=True)
class Moved:
    change: np.ndarray = declared("lag", long_name="change of {target}", unit="{unit}")
    odds: np.ndarray = declared("lag", long_name="odds", unit="1")


@pytest.mark.parametrize(("unit", "shown"), [("F", "F"), ("", "network units")])
def test_declared_names_and_units_are_those_of_the_target(unit, shown):
    labelled = label(Moved(np.ones(2), np.ones(2)), attrs={"target": "temp", "unit": unit})
    assert labelled.change.attrs == {"long_name": "change of temp", "units": shown}
    assert labelled.odds.attrs == {"long_name": "odds", "units": "1"}
    given = label(Moved(np.ones(2), np.ones(2)), long_names={"odds": "as given"})
    assert given.odds.attrs == {"long_name": "as given", "units": "1"}


def test_long_names_and_units_reach_variables_and_coordinates():
    labelled = label(
        explained(),
        coords={"lag": [1, 2, 3, 4]},
        long_names={"contribution": "contribution to temp", "lag": "steps back", "nothing": "x"},
        units={"contribution": "F"},
    )
    assert labelled.contribution.attrs == {"long_name": "contribution to temp", "units": "F"}
    assert labelled.lag.attrs == {"long_name": "steps back"}


def test_plain_fields_become_attributes_only_if_asked():
    assert "seed" not in label(explained()).attrs
    assert label(explained(), keep=("seed",)).attrs["seed"] == 7
    with pytest.raises(InputError, match=r"has no field 'sead' without dimensions.*'seed'"):
        label(explained(), keep=("sead",))


def test_a_coordinate_of_the_wrong_length_is_named():
    with pytest.raises(DataError, match=r"'lag' must have one value for each of the 4 entries"):
        label(explained(), coords={"lag": [1, 2, 3]})
    with pytest.raises(DataError, match=r"coordinate 'time'.*3 entries along 'sample'"):
        label(explained(), coords={"time": ("sample", [1, 2])})


def test_a_further_coordinate_lies_along_its_dimension_and_strangers_are_left_out():
    labelled = label(explained(), coords={"lag_to": ("lag", [1, 2, 3, 24]), "step": [0, 1]})
    assert labelled.lag_to.dims == ("lag",)
    assert "step" not in labelled.coords


def test_arrays_that_do_not_fit_are_named():
    with pytest.raises(DataError, match=r"Traced.hidden must have the 3 axes"):
        label(Traced(np.zeros((2, 2))))
    wrong = Explained(np.zeros((3, 4, 2)), np.zeros(2), None, 0.0)
    with pytest.raises(DataError, match=r"forecast has 2 entries along 'sample', but contribution"):
        label(wrong)


def test_only_a_dataclass_instance_is_labelled():
    with pytest.raises(InputError, match="an instance of a dataclass"):
        label(Explained)


def test_a_tree_has_one_node_a_layer_and_directions_below_their_layer():
    traces = {
        "bidirectional.forward": Traced(np.zeros((1, 3, 2))),
        "bidirectional.backward": Traced(np.ones((1, 3, 2))),
        "scope/lstm": Traced(np.full((1, 3, 5), 2.0)),
    }
    tree = label_tree(
        traces,
        coords={"": {"step": [0, 1, 2]}, "scope/lstm": {"unit": list(range(5))}},
        attrs={"held": ["hour_sin", "hour_cos"]},
    )
    assert tree["bidirectional/backward"].hidden.values.min() == 1
    assert tree["scope_lstm"].attrs["layer"] == "scope/lstm"
    assert tree["scope_lstm"].unit.size == 5
    assert tree.attrs["held"] == "hour_sin, hour_cos"


def test_two_layers_never_share_a_node():
    assert node_path("a/b") == node_path("a_b")
    with pytest.raises(InputError, match="both lead to the node 'a_b'"):
        label_tree({"a/b": Traced(np.zeros((1, 1, 1))), "a_b": Traced(np.zeros((1, 1, 1)))})
