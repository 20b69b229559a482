"""A described network says what the user asks first: which array is what, and where time went."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rnnlens.network.cells import GRU, LSTM, Gate, SimpleRNN
from rnnlens.network.describe import describe
from rnnlens.network.formula import parameter_formula, parameters_of
from rnnlens.network.layers import (
    Add,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling1D,
    Input,
    Permute,
    Pooling1D,
    Recurrent,
    RepeatVector,
    Reshape,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node, Origin, Source, a_layer_kind
from rnnlens.network.shapes import output_shapes


class Maker:
    """Layers with distinct random weights in float32, as files store them."""

    def __init__(self, rng):
        self.rng = rng

    def array(self, *shape):
        return self.rng.normal(size=shape).astype(np.float32)

    def gate(self, features, units, *, biases=1, peephole=False):
        return Gate(
            self.array(features, units),
            self.array(units, units),
            self.array(units) if biases > 0 else None,
            self.array(units) if biases > 1 else None,
            self.array(units) if peephole else None,
        )

    def lstm(self, features, units, *, peephole=False, biases=1, **options):
        one = {"biases": biases}
        three = {"biases": biases, "peephole": peephole}
        cell = LSTM(
            input=self.gate(features, units, **three),
            forget=self.gate(features, units, **three),
            cell=self.gate(features, units, **one),
            output=self.gate(features, units, **three),
        )
        return Recurrent(cell, **options)

    def gru(self, features, units, *, reset_after=True, biases=(2, 2, 2), **options):
        gates = [self.gate(features, units, biases=number) for number in biases]
        return Recurrent(GRU(*gates, reset_after=reset_after), **options)

    def rnn(self, features, units, **options):
        return Recurrent(SimpleRNN(self.gate(features, units)), **options)

    def dense(self, features, units, *, bias=True):
        return Dense(self.array(features, units), self.array(units) if bias else None)


@pytest.fixture
def make(rng):
    return Maker(rng)


def chain(shape, **layers):
    """A network of layers one after the other."""
    nodes = [Node("input", Input(shape))]
    for name, layer in layers.items():
        nodes.append(Node(name, layer, ((nodes[-1].name, 0),)))
    return Network(tuple(nodes), ((nodes[-1].name, 0),), Origin("Keras 3 archive"))


def test_formulas_carry_the_networks_numbers_and_give_its_count(make):
    expected = {
        "4 (F + H + 1) H = 4 (10 + 32 + 1) 32 = 5,504": make.lstm(10, 32),
        "4 (F + H) H = 4 (10 + 32) 32 = 5,376": make.lstm(10, 32, biases=0),
        "4 (F + H + 1) H + 3 H = 4 (3 + 5 + 1) 5 + 3 x 5 = 195": make.lstm(3, 5, peephole=True),
        "3 (F + H + 2) H = 3 (10 + 8 + 2) 8 = 480": make.gru(10, 8),
        "3 (F + H + 1) H = 3 (10 + 8 + 1) 8 = 456": make.gru(10, 8, biases=(1, 1, 1)),
        "3 (F + H + 1) H + H = 3 (10 + 8 + 1) 8 + 8 = 464": make.gru(10, 8, biases=(1, 1, 2)),
        "(F + H + 1) H = (4 + 7 + 1) 7 = 84": make.rnn(4, 7),
        "(F + 1) H = (32 + 1) 10 = 330": make.dense(32, 10),
        "F H = 32 x 10 = 320": make.dense(32, 10, bias=False),
        "N F = 100 x 8 = 800": Embedding(make.array(100, 8)),
        "(K F + 1) H = (3 x 4 + 1) 6 = 78": Conv1D(make.array(3, 4, 6), make.array(6)),
        "5 + 5 = 10": BatchNormalization(make.array(5), make.array(5)),
        "": Flatten(),
    }
    for formula, layer in expected.items():
        assert parameter_formula(layer) == formula


def test_the_numbers_of_a_formula_multiply_out_to_the_count(make):
    both = Bidirectional(make.lstm(6, 3), make.lstm(6, 3, go_backwards=True))
    layers = [
        make.lstm(10, 32), make.lstm(2, 9, peephole=True), make.lstm(5, 4, biases=2),
        make.gru(7, 6), make.gru(7, 6, biases=(1, 1, 2)), make.rnn(3, 11), both,
        TimeDistributed(make.dense(5, 2)),
    ]  # fmt: skip
    for layer in layers:
        numbers = parameter_formula(layer).split(" = ")[-2]
        for juxtaposed, product in ((") ", ") * "), (" x ", " * "), ("[", "*("), ("]", ")")):
            numbers = numbers.replace(juxtaposed, product)
        for number in "234":
            numbers = numbers.replace(f"{number} (", f"{number} * (")
        for dangling in (") * +", ") * )"):
            numbers = numbers.replace(dangling, dangling.replace("* ", ""))
        # The formula's own characters alone are left, so that it can be computed.
        assert set(numbers) <= set("0123456789()+* ")
        assert arithmetic(numbers) == parameters_of(layer)


def arithmetic(text):
    """The value of sums and products of whole numbers in brackets."""
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()

    def total():
        value = product()
        while tokens and tokens[0] == "+":
            tokens.pop(0)
            value += product()
        return value

    def product():
        value = factor()
        while tokens and tokens[0] == "*":
            tokens.pop(0)
            value *= factor()
        return value

    def factor():
        token = tokens.pop(0)
        if token != "(":
            return int(token)
        value = total()
        assert tokens.pop(0) == ")"
        return value

    value = total()
    assert not tokens
    return value


def test_the_description_is_plain_json_with_every_array_by_its_gate(make):
    network = chain((24, 10), lstm=make.lstm(10, 32), dense=make.dense(32, 10))
    lstm = replace(network["lstm"], sources={"W_f": Source("lstm/kernel[:, 32:64]", "vars/0")})
    network = replace(network, nodes=(network.nodes[0], lstm, network.nodes[2]))
    described = json.loads(json.dumps(describe(network)))
    assert described["format"] == "Keras 3 archive"
    assert described["parameters"] == 5504 + 330
    layer = described["layers"][1]
    assert (layer["kind"], layer["units"], layer["features"]) == ("LSTM", 32, 10)
    assert layer["output_shape"] == [32]
    arrays = {array["name"]: array for array in layer["arrays"]}
    assert len(arrays) == 12
    assert arrays["lstm.W_f"] == {
        "name": "lstm.W_f",
        "gate": "forget",
        "meaning": "input kernel",
        "shape": [10, 32],
        "dimensions": ["feature", "unit"],
        "dtype": "float32",
        "source": "lstm/kernel[:, 32:64]",
        "stored_at": "vars/0",
    }
    assert sum(layer["parameters"] for layer in described["layers"]) == described["parameters"]


def test_values_survive_json_to_the_last_digit(make):
    network = chain((6, 3), lstm=make.lstm(3, 4))
    described = json.loads(json.dumps(describe(network, values=True)))
    given = described["layers"][1]["arrays"][0]["values"]
    stored = network["lstm"].layer.cell.input.W
    np.testing.assert_array_equal(np.array(given, dtype=np.float32), stored)


def test_a_layer_called_twice_is_counted_once(make):
    shared = make.lstm(3, 4)
    nodes = (
        Node("a", Input((5, 3))),
        Node("b", Input((5, 3))),
        Node("first", shared, (("a", 0),)),
        Node("second", shared, (("b", 0),)),
        Node("add", Add(), (("first", 0), ("second", 0))),
    )
    described = describe(Network(nodes, (("add", 0),), Origin("test")))
    assert described["parameters"] == 4 * (3 + 4 + 1) * 4
    assert described["layers"][3]["shares_arrays_of"] == "first"
    assert described["layers"][3]["arrays"] == []


def test_time_steps_are_turns_of_the_recurrence_and_in_no_array(make):
    said = describe(chain((24, 10), lstm=make.lstm(10, 32), dense=make.dense(32, 10)))["time_steps"]
    assert said == (
        "The window's 24 steps are in no array: the same W, U and b serve every step, so the LSTM "
        "has 4 (10 + 32 + 1) 32 = 5,504 parameters whatever the window. The steps act as 24 turns "
        "of the recurrence h, c -> h', c'."
    )


def test_time_steps_of_a_network_that_takes_any_window(make):
    said = describe(chain((None, 10), gru=make.gru(10, 8)))["time_steps"]
    assert said.startswith("The number of steps is in no array")
    assert said.endswith("The steps act as one turn each of the recurrence h -> h'.")


def test_time_steps_of_layers_that_do_depend_on_the_window(make):
    network = chain(
        (24, 10),
        bidirectional=Bidirectional(
            make.lstm(10, 6, return_sequences=True),
            make.lstm(10, 6, return_sequences=True, go_backwards=True),
        ),
        pool=Pooling1D("max", 2, 2),
        gru=make.gru(12, 4, return_sequences=True),
        flatten=Flatten(),
        dense=make.dense(48, 5),
        repeat=RepeatVector(6),
        decoder=make.rnn(5, 3),
    )
    said = describe(network)["time_steps"]
    assert "in bidirectional as 24 turns of the recurrence h, c -> h', c' in each direction" in said
    assert "in gru as 12 turns of the recurrence h -> h'" in said
    assert "in decoder as 6 turns" in said
    assert "But dense is tied to the window: its 48 inputs hold all 24 steps" in said
    assert "repeat makes 6 steps out of one vector" in said
    assert "decoder is tied" not in said


def test_time_steps_of_a_reshape_and_of_a_transposed_window(make):
    fixed = describe(chain((6,), reshape=Reshape((3, 2)), lstm=make.lstm(2, 4)))["time_steps"]
    assert "3 turns" in fixed
    assert "tied" not in fixed
    turned = describe(chain((6, 3), permute=Permute((2, 1)), lstm=make.lstm(6, 4)))["time_steps"]
    # the axis along which the layer walks counts the steps, wherever it stands in the window
    assert "The window's 3 steps" in turned
    assert "tied" not in turned


def test_a_network_without_recurrence_says_so(make):
    assert "no recurrent layer" in describe(chain((4,), dense=make.dense(4, 2)))["time_steps"]


def test_shapes_follow_every_kind_of_layer(make):
    network = chain(
        (None,),
        embedding=Embedding(make.array(50, 8)),
        conv=Conv1D(make.array(3, 8, 6), padding="causal", stride=2),
        both=Bidirectional(
            make.gru(6, 5, return_sequences=True),
            make.gru(6, 5, return_sequences=True, go_backwards=True),
        ),
        each=TimeDistributed(make.dense(10, 4)),
        pool=GlobalPooling1D("average"),
    )
    shapes = {name: shape[0] for name, shape in output_shapes(network).items()}
    assert shapes["embedding"] == (None, 8)
    assert shapes["both"] == (None, 10)
    assert shapes["each"] == (None, 4)
    assert shapes["pool"] == (4,)
    sized = chain(
        (11, 8), conv=Conv1D(make.array(3, 8, 6), dilation=2), pool=Pooling1D("max", 3, 2)
    )
    assert output_shapes(sized)["conv"] == ((7, 6),)
    assert output_shapes(sized)["pool"] == ((3, 6),)
    same = chain((11, 8), conv=Conv1D(make.array(3, 8, 6), stride=2, padding="same"))
    assert output_shapes(same)["conv"] == ((6, 6),)


def test_shapes_of_states_and_of_merged_branches(make):
    nodes = (
        Node("input", Input((7, 3))),
        Node("lstm", make.lstm(3, 4, return_state=True), (("input", 0),)),
        Node("concat", Concatenate(axis=-1), (("lstm", 0), ("lstm", 2))),
    )
    shapes = output_shapes(Network(nodes, (("concat", 0),), Origin("test")))
    assert shapes["lstm"] == ((4,), (4,), (4,))
    assert shapes["concat"] == ((8,),)


def test_a_kind_of_layer_has_the_article_that_people_say(make):
    layers = (Flatten(), Add(), Input((3,)), make.lstm(3, 4), TimeDistributed(Flatten()))
    assert [a_layer_kind(layer) for layer in layers] == [
        "a Flatten", "an Add", "an Input", "an LSTM", "a TimeDistributed Flatten",
    ]  # fmt: skip
