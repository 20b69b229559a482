"""Live PyTorch modules whose code asks for the number of steps, or has its steps elsewhere."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rnnlens import explain, fidelity, lags, trace
from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError, UnsupportedModel
from torch_models import Coded, agree, scrambled

pytestmark = pytest.mark.usefixtures("doubles")

LENGTH = 30


def module(code, width=4, features=3):
    layers = {
        "rnn": nn.GRU(features, 4, batch_first=True),
        "fc": nn.Linear(width, 2),
        "norm": nn.LayerNorm(features),
        "place": nn.Parameter(torch.ones(1, 200, features)),
        "conv": nn.Conv1d(features, features, 3),
    }
    return scrambled(Coded(code, **layers).double())


def last(m, x):
    return m.rnn(x)[0][:, -1]


#: Code, and whether it is read for any length: where it is not, the example's is kept.
CODES = {
    # what is cut off at the front or the back is cut off whatever the length
    "history and future in one tensor": (
        lambda m, x: m.fc(torch.cat([last(m, x[:, :24]), x[:, -6:, 0]], 1)),
        {"width": 10},
        True,
    ),
    "the first steps": (lambda m, x: m.fc(last(m, x[:, :20])), {}, True),
    "the last steps": (lambda m, x: m.fc(last(m, x[:, -8:])), {}, True),
    "all but the newest": (lambda m, x: m.fc(last(m, x[:, :-1])), {}, True),
    "every other step": (lambda m, x: m.fc(last(m, x[:, ::2])), {}, True),
    "guarded lag": (
        lambda m, x: x[:, max(0, x.size(1) - 24), :1] + m.fc(last(m, x)),
        {},
        False,
    ),
    "guarded lag of a day": (
        lambda m, x: m.fc(last(m, x)) + (x[:, -24, :1] if x.size(1) >= 24 else 0),
        {},
        False,
    ),
    "branch between the lengths tried": (
        lambda m, x: m.fc(last(m, x if x.size(1) <= 15 else x.flip(1))),
        {},
        False,
    ),
    "branch below the example": (
        lambda m, x: m.fc(last(m, x if x.size(1) > 5 else x * 2)),
        {},
        False,
    ),
    "second half": (lambda m, x: m.fc(last(m, x[:, x.size(1) // 2 :])), {}, False),
    "parity of the length": (
        lambda m, x: m.fc(last(m, x * (1 + x.size(1) % 2))),
        {},
        False,
    ),
    "scaled by the length": (lambda m, x: m.fc(last(m, x)) / x.size(1), {}, False),
    "embedded places": (
        lambda m, x: m.fc(last(m, x + m.place[:, : x.size(1)])),
        {},
        False,
    ),
    "ramp": (
        lambda m, x: m.fc(last(m, x * torch.linspace(0, 1, x.size(1))[:, None])),
        {},
        False,
    ),
    "middle step": (lambda m, x: m.fc(m.rnn(x)[0][:, x.size(1) // 2]), {}, False),
    "mean over the steps": (lambda m, x: m.fc(m.rnn(x)[0].mean(1)), {}, True),
    "residual of the newest step": (
        lambda m, x: m.fc(last(m, x - x[:, -1:]) + 0) + x[:, -1, :1],
        {},
        True,
    ),
    "context repeated over the steps": (
        lambda m, x: m.fc(m.rnn(x + m.norm(x[:, 0]).unsqueeze(1).expand(-1, x.size(1), -1))[0]),
        {},
        True,
    ),
    "newest step repeated over the steps": (
        lambda m, x: m.fc(m.rnn(x - x[:, -1:].repeat(1, x.shape[1], 1))[0][:, -1]),
        {},
        True,
    ),
    "repeated over the steps that a convolution leaves": (
        lambda m, x: m.fc(convolved(m, x)[1][0]),
        {},
        True,
    ),
    "padded to a length": (
        lambda m, x: m.fc(last(m, F.pad(x, (0, 0, max(0, 40 - x.size(1)), 0)))),
        {},
        False,
    ),
}


def convolved(m, x):
    inner = m.conv(x.transpose(1, 2)).transpose(1, 2)
    return m.rnn(inner + x[:, -1].unsqueeze(1).repeat(1, inner.shape[1], 1))


@pytest.mark.parametrize("name", CODES)
def test_code_that_asks_for_the_length_is_right_at_every_length_that_is_served(name, rng):
    code, sizes, free = CODES[name]
    model = module(code, **sizes)
    network = read(model, example=np.zeros((2, LENGTH, 3)))
    assert (network.inputs["x"].shape[0] is None) == free
    for length in (LENGTH, *((7, 12, 50) if free and "future" not in name else ())):
        x = rng.normal(size=(4, length, 3))
        agree(predict(network, x), model(torch.as_tensor(x)))
    assert fidelity(network, model, rng.normal(size=(3, LENGTH, 3))).attrs["agrees"]


def test_what_serves_any_length_says_at_which_it_was_compared():
    network = read(module(lambda m, x: m.fc(last(m, x))), example=np.zeros((2, 10, 3)))
    assert (
        "compared with the module itself at the example's length and on windows of 3, 5, 9, 11 "
        "and 31 steps"
    ) in network.origin.notes


def test_statics_repeated_over_the_steps_keep_any_length_and_their_contributions_sum(rng):
    class Static(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.LSTM(5, 4, batch_first=True), nn.Linear(4, 1)

        def forward(self, x, z):
            z = z.unsqueeze(1).repeat(1, x.shape[1], 1)
            return self.fc(self.rnn(torch.cat([x, z], -1))[0][:, -1])

    model = scrambled(Static().double())
    x, z = rng.normal(size=(4, 20, 3)), rng.normal(size=(4, 2))
    network = read(model, example=(x, z))
    assert network.inputs["x"].shape == (None, 3)
    for length in (3, 20, 33):
        X = {"x": rng.normal(size=(4, length, 3)), "z": z}
        agree(predict(network, X), model(*map(torch.as_tensor, X.values())))
    assert (
        np.abs(explain(network, X, of="x", method="secant", baseline="zero").residual).max() < 1e-9
    )


def test_a_recurrent_layer_is_exported_whole_and_not_step_by_step(monkeypatch):
    # one call of the layer's function a graph, whatever the window: what a step costs is not paid
    from torch.utils._python_dispatch import TorchDispatchMode

    calls = []

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(  # noqa: PLW3201  (PyTorch's own protocol)
            self, func, types, args=(), kwargs=None
        ):
            calls.append(str(func))
            return func(*args, **(kwargs or {}))

    from rnnlens.readers.torch.export import following, with_own_operations

    for length in (5, 200):
        calls.clear()
        with Counting(), following():
            program = torch.export.export(
                nn.LSTM(3, 4, batch_first=True).eval(), (torch.zeros(7, length, 3),), strict=False
            )
        assert len(calls) < 40
        named = [str(node.target) for node in with_own_operations(program).graph.nodes]
        assert "aten.lstm.input" in named


def test_nothing_but_the_sentence_reaches_the_terminal(capfd):
    def speaking(m, x):
        print("a module that prints")
        return m.fc(last(m, x[:, :24])) if x.size(1) > 2 else x

    def deciding(m, x):
        return m.fc(last(m, x)) if x.mean() > 0 else x[:, 0, :2]

    read(module(speaking), example=np.zeros((2, LENGTH, 3)))
    with pytest.raises(UnsupportedModel, match="cannot follow"):
        read(module(deciding), example=np.zeros((2, LENGTH, 3)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_read_with_the_numbers_that_it_holds(kind, rng):
    model = module(lambda m, x: m.fc(last(m, x))).to(kind)
    x = rng.normal(size=(4, 6, 3))
    network = read(model, example=x)
    wide = module(lambda m, x: m.fc(last(m, x)))
    wide.load_state_dict(model.state_dict())
    agree(predict(network, x), wide(torch.as_tensor(x)))


# --- which axis counts steps -------------------------------------------------------------------

#: Code whose windows lie otherwise, and how windows (sample, step, feature) are laid out for it.
LAYOUTS = {
    "channels first": (lambda x: x.permute(0, 2, 1), lambda x: x.swapaxes(1, 2)),
    "channels first, by mT": (lambda x: x.mT, lambda x: x.swapaxes(1, 2)),
    "a channel in front": (lambda x: x.squeeze(1), lambda x: x[:, None]),
    "a channel behind": (lambda x: x.squeeze(-1), lambda x: x[..., None]),
    "as images": (lambda x: x[:, 0].mT, lambda x: x.swapaxes(1, 2)[:, None]),
    "one row": (lambda x: x.view(-1, 10, 3), lambda x: x.reshape(len(x), -1)),
    "one row, channels first": (
        lambda x: x.view(-1, 3, 10).transpose(1, 2),
        lambda x: x.swapaxes(1, 2).reshape(len(x), -1),
    ),
    "normed, channels first": (
        lambda x: ((x - x.mean(2, keepdim=True)) + x.mean(2, keepdim=True)).transpose(1, 2),
        lambda x: x.swapaxes(1, 2),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_windows_keep_their_lags_whatever_way_they_lie(name, rng):
    code, lay = LAYOUTS[name]
    plain = module(lambda m, x: m.fc(last(m, x)))
    model = module(lambda m, x: m.fc(last(m, code(x))))
    model.load_state_dict(plain.state_dict())
    x = rng.normal(size=(10, 10, 3))
    given = np.ascontiguousarray(lay(x))
    network = read(model, example=given)
    agree(predict(network, given), model(torch.as_tensor(given)))
    options = {"method": "secant", "target": 0}
    wanted = explain(read(plain, example=x), x, background=x, **options).contribution
    got = explain(network, given, background=given, **options).contribution
    assert got.dims == wanted.dims
    np.testing.assert_allclose(got, wanted, atol=1e-12)  # the same sums in another order
    assert lags(network, given, target=0, certificates=None).sizes["lag"] == 10
    assert trace(network, given)["rnn_l0"].sizes["step"] == 10


def test_one_number_a_step_may_come_without_an_axis_of_features(rng):
    model = module(lambda m, x: m.fc(last(m, x.unsqueeze(-1))), features=1)
    x = rng.normal(size=(6, 10))
    network = read(model, example=x)
    assert network.inputs["x"].shape == (None,)
    agree(predict(network, x[:, :7]), model(torch.as_tensor(x[:, :7])))
    found = explain(network, x, target=0, baseline="zero")
    assert (found.sizes["lag"], found.sizes["feature"]) == (10, 1)


def test_layers_that_walk_along_two_axes_are_asked_about_and_the_option_works(rng):
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.time, self.channel = (
                nn.GRU(3, 4, batch_first=True),
                nn.GRU(10, 4, batch_first=True),
            )
            self.fc = nn.Linear(8, 1)

        def forward(self, x):
            parts = self.time(x.mT)[0][:, -1], self.channel(x)[0][:, -1]
            return self.fc(torch.cat(parts, 1))

    model = scrambled(Both().double())
    x = rng.normal(size=(6, 3, 10))
    with pytest.raises(DataError, match=r"step_axes=\{'x': 1\}"):
        explain(read(model, example=x), x, baseline="zero")
    for axis, wanted in ((1, 3), (2, 10)):
        network = read(model, example=x, step_axes={"x": axis})
        found = explain(network, x, baseline="zero", method="secant")
        assert found.sizes["lag"] == wanted
        assert np.abs(found.residual).max() < 1e-10
