"""Small inputs that once failed in PyTorch: packed sequences, large networks."""

import time
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import rnnlens


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.fc = nn.LSTM(3, 5, batch_first=True), nn.Linear(5, 1)

    def forward(self, x, n):
        steps, (state, _) = self.rnn(pack_padded_sequence(x, n, batch_first=True))
        return self.fc(state[-1]), self.fc(pad_packed_sequence(steps, batch_first=True)[0])


@pytest.mark.parametrize("method", ["secant", "auto"])
def test_lags_of_a_packed_sequence_are_those_of_its_real_steps(method):
    torch.manual_seed(0)
    module, x, n = Packed().eval(), torch.randn(4, 6, 3), torch.tensor([6, 5, 4, 2])
    network = rnnlens.read(module, example=(x, n))
    given = {"x": x.numpy(), "n": n.numpy()}
    found = rnnlens.explain(
        network, given, of="x", method=method, baseline="zero", target=rnnlens.Target(output=0)
    )
    size = np.abs(found.contribution).sum("feature")
    assert [int(lag) for lag in found.lag[size[3] > 0]] == [1, 2]
    with torch.no_grad():
        change = module(x, n)[0] - module(0 * x, n)[0]
    sums = found.contribution.sum([dim for dim in found.contribution.dims if dim != "sample"])
    # the module computes in float32
    np.testing.assert_allclose(sums, change[:, 0].numpy(), rtol=0, atol=1e-6)


class Attended(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.score = nn.LSTM(6, 128, 2, batch_first=True), nn.Linear(128, 1)
        self.fc = nn.Linear(128, 1)

    def forward(self, x):
        steps = self.rnn(x)[0]
        return self.fc((torch.softmax(self.score(steps), 1) * steps).sum(1))


def test_the_default_takes_no_minutes_for_large_layers():
    torch.manual_seed(0)
    module, x = Attended().eval(), torch.randn(8, 14, 6)
    network = rnnlens.read(module, example=x)
    rnnlens.explain(network, x[:1].numpy(), method="secant")  # compiles
    start = time.process_time()
    found = rnnlens.explain(network, x.numpy())
    assert found.attrs["method"] == "secant"
    assert time.process_time() - start < 60  # it took minutes where cells counted alike


class Whole(nn.Module):
    """Parts in the order of their names, the last step of the recurrent one."""

    def __init__(self, **parts):
        super().__init__()
        self.parts = nn.ModuleDict(parts)

    def forward(self, x):
        for part in self.parts.values():
            steps = part(x)
            x = steps[0] if isinstance(steps, tuple) else steps
        return x[:, -1] if x.ndim == 3 else x


class Turned(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.conv = part

    def forward(self, x):
        return torch.relu(self.conv(x.transpose(1, 2)).transpose(1, 2))


class Steps(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.rnn = part

    def forward(self, x):
        return self.rnn(x)[0]


def scripted(module):
    return torch.jit.script(module)


#: Modules that hold TorchScript, and their layers as a caller states them.
SCRIPTED = {
    "a head": (
        lambda: {"a": nn.GRU(3, 5, batch_first=True), "b": scripted(nn.Linear(5, 1))},
        "GRU(parts.a) > every > Linear(parts.b) > last",
    ),
    "a linear layer before the recurrent one": (
        lambda: {"a": scripted(nn.Linear(3, 4)), "b": nn.LSTM(4, 5, batch_first=True)},
        "Linear(parts.a) > LSTM(parts.b)",
    ),
    "a convolution and an activation before it": (
        lambda: {"a": scripted(Turned(nn.Conv1d(3, 4, 3, padding=1))), "b": lstm(4, 5)},
        "Conv1d(parts.a.conv, padding=1) > relu > LSTM(parts.b)",
    ),
    "an embedding before it": (
        lambda: {"a": scripted(nn.Embedding(7, 4)), "b": lstm(4, 5), "c": nn.Linear(5, 2)},
        "Embedding(parts.a) > LSTM(parts.b) > every > Linear(parts.c) > last",
    ),
    "norms and dropout before it": (
        lambda: {
            "a": scripted(nn.Sequential(nn.LayerNorm(3), nn.Dropout(), nn.Tanh())),
            "b": lstm(3, 5),
        },
        "LayerNorm(parts.a.0) > Dropout > tanh > LSTM(parts.b)",
    ),
    "the recurrent layer itself": (
        lambda: {"a": scripted(Steps(lstm(3, 5))), "b": nn.Linear(5, 1)},
        "LSTM(parts.a.rnn) > every > Linear(parts.b) > last",
    ),
}


def lstm(*sizes):
    return nn.LSTM(*sizes, batch_first=True)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`")
@pytest.mark.parametrize("kind", SCRIPTED)
def test_a_module_with_a_scripted_part_is_read_from_its_state_dict_as_its_refusal_says(kind):
    torch.manual_seed(0)
    parts, layers = SCRIPTED[kind]
    module = Whole(**parts()).eval()
    x = torch.randint(0, 7, (2, 6)) if "embedding" in kind else torch.randn(2, 6, 3)
    with pytest.raises(rnnlens.errors.UnsupportedModel, match="or its state dict"):
        rnnlens.read(module, example=x)
    network = rnnlens.read(module.state_dict(), layers=layers)
    with torch.no_grad():
        theirs = module(x)
    # the module computes in float32
    np.testing.assert_allclose(rnnlens.predict(network, x.numpy()), theirs.numpy(), atol=1e-6)


class Horizons(nn.Module):
    """One number a step to come, laid out by a function."""

    def __init__(self, lay_out):
        super().__init__()
        self.rnn, self.fc, self.lay_out = lstm(3, 5), nn.Linear(5, 1), lay_out

    def forward(self, x):
        return self.lay_out(self, x, self.rnn(x)[0])


def written_into_places(module, x, steps):
    out = torch.zeros(x.size(0), 2, 1)
    out[:, 0] = module.fc(steps[:, -1])
    out[:, 1] = module.fc(steps[:, -2])
    return out


def stacked(module, x, steps):
    return torch.stack([module.fc(steps[:, -1]), module.fc(steps[:, -2])], 1)


LAID_OUT = {
    "written into places": written_into_places,
    "stacked": stacked,
    "running sum": lambda module, x, steps: torch.cumsum(module.fc(steps), 1),
    "quantiles": lambda module, x, steps: module.fc(steps[:, -1]).view(-1, 1, 1, 1),
}


def exported(module, x, path):
    with warnings.catch_warnings():  # that the exporter is old, and of sizes that it fixes
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (x,), str(path), dynamo=False, input_names=["x"], opset_version=17,
            dynamic_axes={"x": {0: "b"}},
        )  # fmt: skip
    return path


@pytest.mark.parametrize("how", ["live", "onnx"])
@pytest.mark.parametrize("kind", LAID_OUT)
def test_horizons_that_code_lays_out_are_explained(kind, how, tmp_path):
    torch.manual_seed(0)
    module, x = Horizons(LAID_OUT[kind]).eval(), torch.randn(4, 6, 3)
    if how == "onnx" and kind == "written into places":
        with pytest.raises(rnnlens.errors.UnsupportedModel, match="stack or join the parts"):
            rnnlens.read(exported(module, x, tmp_path / "m.onnx"))
        return
    network = (
        rnnlens.read(module, example=x)
        if how == "live"
        else rnnlens.read(exported(module, x, tmp_path / "m.onnx"))
    )
    found = rnnlens.explain(
        network, x.numpy(), baseline="zero", method="secant", target=rnnlens.Target(horizon=1)
    )
    with torch.no_grad():
        change = (module(x) - module(0 * x)).reshape(4, -1)[:, 0].numpy()
    # the module computes in float32
    np.testing.assert_allclose(
        found.contribution.sum(["lag", "feature"]), change, rtol=0, atol=1e-6
    )


def test_an_export_that_writes_into_places_is_read_as_its_refusal_says(tmp_path):
    torch.manual_seed(0)
    module, x = Horizons(written_into_places).eval(), torch.randn(4, 6, 3)
    with torch.no_grad():
        theirs = module(x).numpy()
    with pytest.raises(rnnlens.errors.UnsupportedModel) as refused:
        rnnlens.read(exported(module, x, tmp_path / "places.onnx"))
    assert "stack or join the parts instead" in str(refused.value)
    assert "or read the live module" in str(refused.value)
    live = rnnlens.read(module, example=x)
    module.lay_out = stacked
    again = rnnlens.read(exported(module, x, tmp_path / "stacked.onnx"))
    for network in (live, again):  # the module computes in float32
        np.testing.assert_allclose(rnnlens.predict(network, x.numpy()), theirs, rtol=0, atol=1e-6)
