"""What is said of outputs that cannot see steps, features or inputs."""

import json

import numpy as np
import pytest
from torch import nn

import rnnlens
from networks import cell, chain, forecaster, head
from rnnlens.evidence.reach.sights import sights
from rnnlens.evidence.sees_everything import sees_everything
from rnnlens.network.axes import Slice
from rnnlens.network.layers import Concatenate, Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin
from rnnlens.views.words.reach import reach_sentences


def direct(rng, steps=24, horizons=12, features=2):
    """The last states of as many steps, one a horizon: the first sees the window's beginning."""
    core = Recurrent(cell("lstm", rng, features), return_sequences=True)
    return chain(core, Slice(-horizons, None), head(rng, 5, 1), shape=(steps, features))


def side_by_side(rng):
    """Two networks over the same features; the first has zero weights for feature 2."""
    cells = [cell("lstm", rng) for _ in range(2)]
    for gate in cells[0].gates.values():
        gate.W[2] = 0.0
    nodes = [Node("x", Input((6, 3))), Node("h", Input((4, 2)))]
    for k, core in enumerate(cells):
        nodes += [Node(f"lstm_{k}", Recurrent(core), (("x", 0),))]
        nodes += [Node(f"fc_{k}", head(rng, 5, 1), ((f"lstm_{k}", 0),))]
    nodes += [Node("both", Concatenate(), (("fc_0", 0), ("fc_1", 0)))]
    return Network(tuple(nodes), (("both", 0),), Origin("made in a test"))


def test_horizons_that_cannot_see_the_newest_steps_are_named(rng):
    seen = rnnlens.describe(direct(rng))["reach"]
    assert [one["newest"] for one in seen] == list(range(12, 1, -1))
    (sentence,) = reach_sentences(seen)
    assert sentence == (
        "CAUTION: outputs cannot see the newest steps of x: horizon 1 not t-1 to t-11, "
        "horizon 2 not t-1 to t-10, 8 more between, horizon 11 not t-1."
    )
    json.dumps(seen)


def test_a_target_is_judged_for_itself_and_an_input_that_is_not_wired_is_named(rng):
    sentences = reach_sentences(rnnlens.describe(side_by_side(rng))["reach"])
    assert sentences == [
        "Target 0 cannot see feature 2 of x: zero weights.",
        "Target 0 and target 1 cannot see input h: not wired.",
    ]


@pytest.mark.parametrize(("target", "verdict"), [(0, "structural"), (1, "undecided")])
def test_lags_are_structural_for_the_target_asked(rng, target, verdict):
    net, x = side_by_side(rng), {"x": rng.normal(size=(12, 6, 3)), "h": rng.normal(size=(12, 4, 2))}
    table = rnnlens.lags(
        net, x, of="x", target=target, by="feature", certificates=None,
        test=rnnlens.Test(replacements=0, hiding=False),
    )  # fmt: skip
    assert table["verdict"].values.tolist()[2] == verdict
    if verdict == "structural":
        assert table["rung"].values.tolist()[2] == "zero weights"


def test_results_of_a_forecast_that_cannot_see_the_newest_steps_say_so(rng):
    net, x = direct(rng, steps=6, horizons=3), rng.normal(size=(30, 6, 2))
    options = {"target": rnnlens.Target(0, horizon=1)}
    explained = rnnlens.explain(net, x, baseline="zero", **options)
    said = "the forecast cannot see t-1 to t-2 of x: not wired"
    assert explained.attrs["cut_off"] == said
    table = rnnlens.lags(
        net, x, certificates=None, test=rnnlens.Test(replacements=0, hiding=False), **options
    )
    assert table["rung"].values.tolist()[:3] == ["not wired", "not wired", "nothing"]
    assert table.attrs["cut_off"] == said
    proof = rnnlens.certify(
        net, x[:2], lag=1, certificates=rnnlens.Certificates(tolerance=0.1), **options
    )
    assert proof.attrs["cut_off"] == said
    assert proof["verdict"].values.tolist() == [["structural"], ["structural"]]
    assert rnnlens.trust(net, x, **options).attrs["cut_off"] == said
    newest = rnnlens.explain(net, x, baseline="zero", target=rnnlens.Target(0, horizon=3))
    assert "cut_off" not in newest.attrs


def test_a_carried_state_makes_the_oldest_forget_gate_matter(rng):
    core = cell("lstm", rng, 1, 3)
    for name, gate in core.gates.items():
        if name != "forget":
            gate.W[:] = 0.0
    net = chain(Recurrent(core), Dense(np.ones((3, 1))), shape=(2, 1))
    x = rng.normal(size=(12, 2, 1))
    free = rnnlens.Test(replacements=0, hiding=False)
    table = rnnlens.lags(net, x, certificates=None, test=free)
    assert table["verdict"].values.tolist() == ["undecided", "structural"]


def test_a_sequence_that_is_labelled_step_by_step_is_no_forecast_that_is_cut_off(rng):
    core = Recurrent(cell("gru_after", rng, 2), return_sequences=True)
    net = chain(core, head(rng, 5, 1), shape=(6, 2))
    assert reach_sentences(rnnlens.describe(net)["reach"]) == [
        "Each step of the output sees its own step of x and older ones alone."
    ]


@pytest.mark.parametrize("kind", ["lstm", "lstm_projected", "gru_before", "simple_rnn"])
def test_the_quick_look_says_yes_only_where_everything_is_seen(kind, rng):
    plain = forecaster(kind, rng)
    assert sees_everything(plain)
    assert all(one.whole for seen in sights(plain).values() for one in seen)
    core = next(node.layer.cell for node in plain.nodes if isinstance(node.layer, Recurrent))
    for gate in core.gates.values():
        gate.W[1] = 0.0
    assert not sees_everything(plain)
    assert not sees_everything(direct(rng))
    assert not sees_everything(side_by_side(rng))


def test_what_the_wiring_cuts_off_and_what_zero_weights_do_are_told_apart(rng):
    net = direct(rng, steps=6, horizons=3)
    core = next(node.layer.cell for node in net.nodes if isinstance(node.layer, Recurrent))
    for gate in core.gates.values():
        gate.W[1] = 0.0
    seen = rnnlens.describe(net)["reach"]
    assert [one["why"]["newest"] for one in seen] == ["not wired"] * 3
    assert [one["why"]["unseen"] for one in seen] == ["zero weights"] * 3
    assert reach_sentences(seen) == [
        "CAUTION: outputs cannot see the newest steps of x: horizon 1 not t-1 to t-2, "
        "horizon 2 not t-1.",
        "Horizon 1, horizon 2 and horizon 3 cannot see feature 1 of x: zero weights.",
    ]


class _Block(nn.Module):
    """A head over the hidden states of the newest steps, as direct forecasters have it."""

    def __init__(self, kind, ahead):
        super().__init__()
        self.rnn, self.ahead = kind(2, 5, batch_first=True), ahead
        self.head = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1))

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -self.ahead :])


@pytest.mark.parametrize(("kind", "ahead"), [(nn.LSTM, 12), (nn.GRU, 7), (nn.RNN, 5), (nn.LSTM, 2)])
def test_the_horizons_of_a_module_that_serves_any_window_are_those_that_it_gives(kind, ahead):
    net = rnnlens.read(_Block(kind, ahead).double(), example=np.ones((2, 15, 2)))
    assert net.inputs["x"].shape[0] is None
    told = {one["label"]: one["newest"] for one in rnnlens.describe(net)["reach"]}
    # horizon h reads the hidden state ahead - h steps before the newest
    assert told == {f"horizon {h}": ahead - h + 1 for h in range(1, ahead)}
    sentences = reach_sentences(rnnlens.describe(net)["reach"])
    assert f"horizon 1 not t-1 to t-{ahead - 1}" in sentences[0] or ahead == 2
