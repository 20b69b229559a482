"""An LSTM that projects its hidden state: named, counted, checked and described."""

from dataclasses import replace

import numpy as np
import pytest

from networks import cell, chain, forecaster
from rnnlens import trace, weights
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.network.check import check
from rnnlens.network.describe import describe
from rnnlens.network.formula import parameter_formula
from rnnlens.network.inventory import inventory, parameter_count
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.network.shapes import output_shapes


def test_the_projection_has_a_name_a_meaning_and_dimensions(rng):
    network = forecaster("lstm_projected", rng)
    arrays = {array.local_name: array for array in inventory(network)}
    assert arrays["P"].meaning == "projection of the hidden state"
    assert arrays["P"].dimensions == ("unit", "output")
    assert arrays["U_f"].dimensions == ("from_output", "unit")
    assert arrays["U_f"].values.shape == (2, 5)
    assert weights(network)["recurrent"]["P"].dims == ("unit", "output")


def test_its_parameters_are_counted_by_a_formula_that_is_right(rng):
    layer = Recurrent(cell("lstm_projected", rng))
    total = sum(a.size for g in layer.cell.gates.values() for a in g.arrays().values()) + 5 * 2
    assert parameter_formula(layer) == (
        f"4 (F + P + 1) H + H P = 4 (3 + 2 + 1) 5 + 5 x 2 = {total}"
    )
    assert parameter_count(chain(layer, shape=(6, 3))) == total


def test_shapes_and_options_say_what_is_handed_on(rng):
    one = Recurrent(cell("lstm_projected", rng), return_state=True, return_sequences=True)
    network = chain(one, shape=(6, 3))
    assert output_shapes(network)["recurrent"] == ((6, 2), (2,), (5,))
    assert describe(network)["layers"][1]["options"]["projection"] == 2
    both = Bidirectional(
        replace(one, return_state=False), replace(one, go_backwards=True, return_state=False)
    )
    assert output_shapes(chain(both, shape=(6, 3)))["bidirectional"] == ((6, 4),)
    assert predict(chain(both, shape=(6, 3)), rng.normal(size=(2, 6, 3))).shape == (2, 6, 4)


def test_arrays_that_do_not_fit_the_projection_are_refused(rng):
    good = cell("lstm_projected", rng)
    for wrong in (rng.normal(size=(4, 2)), rng.normal(size=(5, 3)), rng.normal(size=5)):
        network = chain(Recurrent(replace(good, projection=wrong)), shape=(6, 3))
        with pytest.raises(UnsupportedModel, match="projection has shape|array U of the input"):
            check(network)


def test_initial_states_have_the_sizes_of_the_two_states(rng):
    network = forecaster("lstm_projected", rng)
    x = rng.normal(size=(3, 7, 3))
    states = [rng.normal(size=(3, 2)), rng.normal(size=(3, 5))]
    assert predict(network, x, initial_state={"recurrent": states}).shape == (3, 2)
    with pytest.raises(DataError, match=r"must be arrays of shapes \[\(3, 2\), \(3, 5\)\]"):
        predict(network, x, initial_state={"recurrent": states[::-1]})


def test_the_trace_holds_the_units_and_what_they_are_projected_to(rng):
    network = forecaster("lstm_projected", rng)
    traced = trace(network, rng.normal(size=(3, 7, 3)))["recurrent"]
    P = network["recurrent"].layer.cell.projection
    assert traced["projected"].dims == ("sample", "step", "output")
    assert traced["projected"].attrs["long_name"] == "hidden state as projected"
    # sums of 5 products, taken in another order
    np.testing.assert_allclose(traced["projected"], traced["hidden"].values @ P, atol=1e-14)
    o = traced["gate_value"].sel(gate="output")
    np.testing.assert_allclose(traced["hidden"], o * np.tanh(traced["cell"]), atol=1e-14)
