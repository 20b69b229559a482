"""What stands around the recurrent layers of a state dict is stated, and equals the module."""

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens
from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.network import still_assumed
from torch_models import scrambled

#: Both run in float64, so they differ by rounding alone.
CLOSE = 1e-12


class Parts(nn.Module):
    """The parts of which the networks below are made, each with a forward code of its own."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.code = forward

    def forward(self, x):
        return self.code(self, x)


def lstm(*sizes, **options):
    return nn.LSTM(*sizes, batch_first=True, **options)


def last(out):
    return out[0][:, -1]


CASES = {
    "an activation before the head": (
        "LSTM > relu > Linear(fc)",
        lambda m, x: m.fc(torch.relu(last(m.rnn(x)))),
        {"rnn": lstm(3, 4), "fc": nn.Linear(4, 2)},
    ),
    "names alone": (
        "rnn > tanh > fc",
        lambda m, x: m.fc(torch.tanh(last(m.rnn(x)))),
        {"rnn": lstm(3, 4), "fc": nn.Linear(4, 2)},
    ),
    "two linear layers, dropout between them": (
        "LSTM > Linear(net.0) > LeakyReLU(0.2) > Dropout > Linear(net.3)",
        lambda m, x: m.net(last(m.rnn(x))),
        {
            "rnn": lstm(3, 4),
            "net": nn.Sequential(
                nn.Linear(4, 5), nn.LeakyReLU(0.2), nn.Dropout(), nn.Linear(5, 2)
            ),
        },
    ),
    "two recurrent modules": (
        "LSTM(enc) > GRU(dec) > Linear(fc)",
        lambda m, x: m.fc(last(m.dec(m.enc(x)[0]))),
        {"enc": lstm(3, 4, 2), "dec": nn.GRU(4, 5, batch_first=True), "fc": nn.Linear(5, 2)},
    ),
    "both directions, their last hidden states": (
        "LSTM > final > Linear(fc)",
        lambda m, x: m.fc(torch.cat(list(m.rnn(x)[1][0]), 1)),
        {"rnn": lstm(3, 4, bidirectional=True), "fc": nn.Linear(8, 2)},
    ),
    "both directions, the output at the last step": (
        "LSTM > last > Linear(fc)",
        lambda m, x: m.fc(last(m.rnn(x))),
        {"rnn": lstm(3, 4, bidirectional=True), "fc": nn.Linear(8, 2)},
    ),
    "the mean of the steps": (
        "GRU > mean > Linear(fc)",
        lambda m, x: m.fc(m.rnn(x)[0].mean(1)),
        {"rnn": nn.GRU(3, 4, batch_first=True), "fc": nn.Linear(4, 2)},
    ),
    "every step": (
        "LSTM > every > Linear(fc)",
        lambda m, x: m.fc(m.rnn(x)[0]),
        {"rnn": lstm(3, 4), "fc": nn.Linear(4, 2)},
    ),
    "all steps in one row": (
        "LSTM > flatten > Linear(fc)",
        lambda m, x: m.fc(m.rnn(x)[0].flatten(1)),
        {"rnn": lstm(3, 4), "fc": nn.Linear(4 * 6, 2)},
    ),
    "branches that are joined": (
        "LSTM > [last, mean, max] > concat > Linear(fc)",
        lambda m, x: m.fc(
            torch.cat([(y := m.rnn(x)[0])[:, -1], y.mean(1), y.max(1).values], 1)
        ),
        {"rnn": lstm(3, 4), "fc": nn.Linear(12, 2)},
    ),
    "a residual": (
        "LSTM > [Identity, Linear(a) > gelu] > add > Linear(fc)",
        lambda m, x: m.fc((h := last(m.rnn(x))) + nn.functional.gelu(m.a(h))),
        {"rnn": lstm(3, 4), "a": nn.Linear(4, 4), "fc": nn.Linear(4, 2)},
    ),
    "a gate": (
        "GRU > [Linear(a) > sigmoid, Linear(b)] > multiply",
        lambda m, x: torch.sigmoid(m.a(h := last(m.rnn(x)))) * m.b(h),
        {"rnn": nn.GRU(3, 4, batch_first=True), "a": nn.Linear(4, 2), "b": nn.Linear(4, 2)},
    ),
    "norms": (
        "LSTM > LayerNorm(ln) > Linear(a) > BatchNorm1d(bn) > elu(0.5) > Linear(fc)",
        lambda m, x: m.fc(nn.functional.elu(m.bn(m.a(m.ln(last(m.rnn(x))))), 0.5)),
        {
            "rnn": lstm(3, 4), "ln": nn.LayerNorm(4), "a": nn.Linear(4, 5),
            "bn": nn.BatchNorm1d(5), "fc": nn.Linear(5, 2),
        },
    ),
    "a plain layer that says what it computes": (
        "RNN(rnn, relu) > Linear(fc)",
        lambda m, x: m.fc(last(m.rnn(x))),
        {"rnn": nn.RNN(3, 4, nonlinearity="relu", batch_first=True), "fc": nn.Linear(4, 2)},
    ),
    "a projection": (
        "LSTM > Softplus > Linear(fc)",
        lambda m, x: m.fc(nn.functional.softplus(last(m.rnn(x)))),
        {"rnn": lstm(3, 4, proj_size=2), "fc": nn.Linear(2, 1)},
    ),
    "a linear layer before the recurrence": (
        "Linear(inp) > relu > LSTM > Linear(fc)",
        lambda m, x: m.fc(last(m.rnn(torch.relu(m.inp(x))))),
        {"inp": nn.Linear(3, 5), "rnn": lstm(5, 4), "fc": nn.Linear(4, 2)},
    ),
    "dropout and an activation before it": (
        "Dropout > tanh > GRU > Linear(fc)",
        lambda m, x: m.fc(last(m.rnn(torch.tanh(x)))),
        {"rnn": nn.GRU(3, 4, batch_first=True), "fc": nn.Linear(4, 2)},
    ),
    "a norm before it": (
        "LayerNorm(ln) > LSTM > Linear(fc)",
        lambda m, x: m.fc(last(m.rnn(m.ln(x)))),
        {"ln": nn.LayerNorm(3), "rnn": lstm(3, 4), "fc": nn.Linear(4, 2)},
    ),
    "convolutions and a pool before it": (
        "Conv1d(a, padding=1) > relu > MaxPool1d(2) > Conv1d(b, dilation=2) > LSTM > Linear(fc)",
        lambda m, x: m.fc(
            last(m.rnn(m.b(nn.functional.max_pool1d(torch.relu(m.a(x.mT)), 2)).mT))
        ),
        {
            "a": nn.Conv1d(3, 5, 3, padding=1), "b": nn.Conv1d(5, 4, 2, dilation=2),
            "rnn": lstm(4, 4), "fc": nn.Linear(4, 2),
        },
    ),
    "a convolution with a stride, in groups, padded by its name": (
        "Conv1d(a, groups=3, padding=same) > Conv1d(b, stride=2) > AvgPool1d(2, stride=1) > LSTM",
        lambda m, x: last(m.rnn(nn.functional.avg_pool1d(m.b(m.a(x.mT)), 2, 1).mT)),
        {
            "a": nn.Conv1d(3, 6, 3, padding="same", groups=3), "b": nn.Conv1d(6, 2, 2, stride=2),
            "rnn": lstm(2, 4),
        },
    ),
    "branches before it": (
        "[Linear(a), Linear(b) > sigmoid] > multiply > LSTM > Linear(fc)",
        lambda m, x: m.fc(last(m.rnn(m.a(x) * torch.sigmoid(m.b(x))))),
        {
            "a": nn.Linear(3, 5), "b": nn.Linear(3, 5), "rnn": lstm(5, 4), "fc": nn.Linear(4, 2),
        },
    ),
    "what comes in, joined with what is made of it": (
        "[Identity, Linear(a) > tanh] > concat > LSTM > Linear(fc)",
        lambda m, x: m.fc(last(m.rnn(torch.cat([x, torch.tanh(m.a(x))], -1)))),
        {"a": nn.Linear(3, 2), "rnn": lstm(5, 4), "fc": nn.Linear(4, 2)},
    ),
    "a convolution over what the recurrent layer gives": (
        "LSTM > Conv1d(a) > mean > Linear(fc)",
        lambda m, x: m.fc(m.a(m.rnn(x)[0].mT).mT.mean(1)),
        {"rnn": lstm(3, 4), "a": nn.Conv1d(4, 5, 2), "fc": nn.Linear(5, 2)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_stated_network_equals_the_module(name, rng):
    text, code, parts = CASES[name]
    module = scrambled(Parts(code, **parts).double())
    if "norms" in name:
        module.bn.running_var.uniform_(0.5, 2.0)
    x = rng.normal(size=(4, 6, 3))
    network = rnnlens.read(module.state_dict(), layers=text)
    expected = module(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(rnnlens.predict(network, x), expected, rtol=0, atol=CLOSE)
    assert network.origin.left_out == ()
    assert text in still_assumed(network.origin)[0]
    rnnlens.fidelity(network, expected, x)
    assert still_assumed(network.origin) == ()


def test_a_network_of_two_outputs_ends_in_two_branches(rng):
    parts = {"rnn": lstm(3, 4), "a": nn.Linear(4, 2), "b": nn.Linear(4, 1)}
    code = lambda m, x: (m.a(h := last(m.rnn(x))), torch.sigmoid(m.b(h)))  # noqa: E731
    module = scrambled(Parts(code, **parts).double())
    network = rnnlens.read(module.state_dict(), layers="LSTM > [Linear(a), Linear(b) > sigmoid]")
    x = rng.normal(size=(4, 6, 3))
    for mine, theirs in zip(rnnlens.predict(network, x), module(torch.as_tensor(x)), strict=True):
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=0, atol=CLOSE)


def test_tokens_begin_with_an_embedding(rng):
    parts = {"emb": nn.Embedding(7, 3), "rnn": lstm(3, 4), "fc": nn.Linear(4, 2)}
    module = scrambled(Parts(lambda m, x: m.fc(last(m.rnn(m.emb(x)))), **parts).double())
    network = rnnlens.read(module.state_dict(), layers="Embedding(emb) > LSTM > Linear(fc)")
    x = rng.integers(0, 7, size=(4, 6))
    expected = module(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(rnnlens.predict(network, x), expected, rtol=0, atol=CLOSE)


def test_a_head_may_be_a_chain(rng):
    parts = {"rnn": lstm(3, 4), "fc": nn.Linear(4, 2)}
    module = scrambled(Parts(lambda m, x: m.fc(torch.relu(last(m.rnn(x)))), **parts).double())
    x = rng.normal(size=(4, 6, 3))
    network = rnnlens.read(module.state_dict(), head="relu > fc")
    expected = module(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(rnnlens.predict(network, x), expected, rtol=0, atol=CLOSE)


def test_a_head_that_was_not_shown_is_assumed_in_every_word_of_it(rng):
    parts = {"rnn": lstm(3, 4), "fc": nn.Linear(4, 2)}
    module = scrambled(Parts(lambda m, x: m.fc(torch.relu(last(m.rnn(x)))), **parts).double())
    x = rng.normal(size=(4, 6, 3))
    network = rnnlens.read(module.state_dict(), head="fc")
    said = rnnlens.explain(network, x, target=0).attrs["assumed"]
    assert "fc takes the last hidden state of rnn, nothing between them" in said
    given = module(torch.as_tensor(x)).detach().numpy()
    assert not rnnlens.fidelity(network, given, x).attrs["agrees"]  # there is a relu between them
    assert still_assumed(network.origin)


def test_a_hint_names_only_layers_that_fit():
    state = {**Parts(None, rnn=lstm(3, 4)).state_dict()}
    state |= {"fc.weight": torch.ones(2, 4), "fc.bias": torch.ones(2)}
    wide = {"wide.weight": torch.ones(2, 5), "odd.weight": torch.ones(2, 4)}
    said = rnnlens.read({**state, **wide, "odd.bias": torch.ones(3)}).origin.notes[-1]
    assert 'head="fc" names which fits' in said
    assert "wide" not in said and "odd" not in said


# --- every array accounted for -----------------------------------------------------------------


class Cell(nn.LSTMCell):
    """A cell of PyTorch with arrays of its own."""

    def __init__(self, **own):
        super().__init__(3, 6)
        for name, one in own.items():
            setattr(self, name, one)


FOREIGN = {
    "layer norms": {"ln_ih": nn.LayerNorm(24), "ln_hh": nn.LayerNorm(24)},
    "peepholes": {f"weight_c{gate}": nn.Parameter(torch.randn(6)) for gate in "ifo"},
    "a phase": {"phase": nn.Parameter(torch.rand(6)), "tau": nn.Parameter(torch.rand(6))},
    "a learned state": {"h0": nn.Parameter(torch.randn(1, 6))},
    "recurrent batch norm": {"bn": nn.BatchNorm1d(24)},
}


@pytest.mark.parametrize("options", [{}, {"head": "fc"}, {"layers": "LSTM > Linear(fc)"}])
@pytest.mark.parametrize("kind", FOREIGN)
def test_arrays_of_a_cell_of_another_kind_are_refused(kind, options):
    module = Parts(None, cell=Cell(**FOREIGN[kind]), fc=nn.Linear(6, 1))
    with pytest.raises(UnsupportedModel, match="cell has arrays of its own that a plain LSTM"):
        rnnlens.read(module.state_dict(), **options)


class Peephole(Cell):
    """The forget gate alone sees the cell state."""

    def forward(self, x, state):
        h, c = state
        summed = nn.functional.linear(x, self.weight_ih, self.bias_ih)
        summed = summed + nn.functional.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = summed.chunk(4, 1)
        c = (f + self.weight_cf * c).sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


def stepwise(m, x):
    h = c = torch.zeros(x.size(0), 6, dtype=x.dtype)
    for t in range(x.shape[1]):
        h, c = m.cell(x[:, t], (h, c))
    return m.fc(h)


def test_the_advice_about_a_cell_of_another_kind_works(rng):
    cell = Peephole(weight_cf=nn.Parameter(torch.randn(6)))
    module = scrambled(Parts(stepwise, cell=cell, fc=nn.Linear(6, 1)).double())
    x = rng.normal(size=(4, 5, 3))
    with pytest.raises(UnsupportedModel, match=r"rnnlens.read\(model, example=x\)"):
        rnnlens.read(module.state_dict(), head="fc")
    network = rnnlens.read(module, example=x)
    expected = module(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(rnnlens.predict(network, x), expected, rtol=0, atol=1e-9)


def test_a_cell_at_the_top_with_an_array_of_its_own_is_refused():
    with pytest.raises(UnsupportedModel, match=r"the module has arrays of its own .*\(phase\)"):
        rnnlens.read(Cell(phase=nn.Parameter(torch.rand(6))).state_dict())


def test_arrays_beside_the_cell_are_named_as_left_out():
    module = Parts(None, cell=Cell(), fc=nn.Linear(6, 1), bn=nn.BatchNorm1d(6))
    network = rnnlens.read(module.state_dict(), layers="LSTM > Linear(fc)")
    assert network.origin.left_out == (
        "arrays that are not used: bn.bias, bn.running_mean, bn.running_var, bn.weight",
    )


# --- what a statement may not say ---------------------------------------------------------------

STATE = Parts(None, a=lstm(3, 4), b=nn.GRU(4, 4), fc=nn.Linear(4, 2), both=nn.GRU(4, 3, 1, True))
WRONG = {
    "LSTM >": "a layer is missing after '>'",
    "LSTM > fc(": "'\\)' is missing|a layer is missing",
    "LSTM ; fc": "'; fc' is out of place",
    "LSTM > fc fc": "'fc' is out of place",
    "[relu, tanh] > concat > LSTM(a)": "no layer at its beginning says how many features",
    "Dropout > Embedding(fc) > LSTM(a)": "Embedding takes tokens, so nothing stands before it",
    "Linear(fc) > LSTM(a)": "a takes 3 a step, and 2 numbers a step come",
    "last > Linear(fc) > LSTM(a)": "and 2 numbers, without steps come",
    "LSTM(a) > last > Conv1d(fc)": "'Conv1d' takes the steps of a layer before it",
    "LSTM(a) > Conv1d(fc)": "fc has a weight of shape \\(2, 4\\), not three axes",
    "LSTM(a) > MaxPool1d": "MaxPool1d takes whole numbers",
    "LSTM > Linear": "Linear must name its arrays",
    "LSTM > Linear(out)": "there is no array out.weight",
    "LSTM > wavelet > Linear(fc)": "'wavelet' is no layer that may be stated",
    "GRU(a) > Linear(fc)": "a is of the kind LSTM, not GRU",
    "GRU > Linear(fc)": "it does not say which GRU is meant",
    "GRU(b) > LSTM(a)": "a takes 3 a step, and 4 numbers a step come",
    "LSTM > [last, mean]  > relu": "'relu' follows branches",
    "LSTM > concat": "'concat' joins branches, of which there are 1",
    "LSTM > [last, mean, max] > subtract": "'subtract' joins branches, of which there are 3",
    "LSTM > last > last": "'last' takes the steps of a layer before it",
    "LSTM > relu(3)": "relu does not take 3",
    "LSTM > LayerNorm(a)": "a has arrays of",
    "LSTM > GRU(b, tanh, relu)": "GRU takes its name",
    "LSTM(a) > [last, mean] > [relu, tanh]": "branches follow one layer",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_statement_that_makes_no_sense_is_refused_with_an_example(text):
    with pytest.raises(InputError, match=WRONG[text]) as refused:
        rnnlens.read(STATE.state_dict(), layers=text)
    assert "'LSTM > relu > Linear(fc)'" in str(refused.value)


def test_a_statement_deeper_than_any_network_is_refused():
    for text in ("LSTM > " + "[" * 50, "LSTM > " + " > ".join(["relu"] * 1000)):
        with pytest.raises(InputError, match="more branches or parts|is missing"):
            rnnlens.read(STATE.state_dict(), layers=text)


def test_head_and_layers_are_not_given_together():
    with pytest.raises(InputError, match="head and layers were both given"):
        rnnlens.read(STATE.state_dict(), head="fc", layers="LSTM > fc")


def test_the_advice_about_two_modules_works():
    with pytest.raises(UnsupportedModel) as refused:
        rnnlens.read(STATE.state_dict())
    said = str(refused.value)
    assert 'part="a" (--part a)' in said and 'layers="LSTM(a) > last"' in said
    assert rnnlens.read(STATE.state_dict(), part="a")["a_l0"]
    assert rnnlens.read(STATE.state_dict(), layers="LSTM(a) > last")["a_l0"]
