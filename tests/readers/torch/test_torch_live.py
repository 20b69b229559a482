"""Live PyTorch modules: any forward code of known operations, or the operation is named."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rnnlens import fidelity
from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel
from rnnlens.readers.refusals import WrongSampleAxis
from torch_models import Coded, agree, scrambled

pytestmark = [
    pytest.mark.usefixtures("doubles"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
]


def module(code, **layers):
    return scrambled(Coded(code, **layers).double())


def gru(**options):
    return nn.GRU(3, 4, batch_first=True, **options)


def steps(m, x):
    return m.rnn(x)[0]


CODES = {
    "last_step": (lambda m, x: m.fc(steps(m, x)[:, -1]), {"fc": nn.Linear(4, 2)}),
    "second_step": (lambda m, x: m.fc(steps(m, x)[:, 1, :]), {"fc": nn.Linear(4, 2)}),
    "state": (lambda m, x: m.fc(m.rnn(x)[1][-1]), {"fc": nn.Linear(4, 2)}),
    "squeezed_state": (lambda m, x: m.fc(m.rnn(x)[1].squeeze(0)), {"fc": nn.Linear(4, 2)}),
    "flat_state": (
        lambda m, x: m.rnn(x)[1].permute(1, 0, 2).reshape(x.size(0), -1),
        {"rnn": gru(num_layers=3)},
    ),
    "both_directions": (
        lambda m, x: torch.cat([m.rnn(x)[1][-2], m.rnn(x)[1][-1]], dim=1),
        {"rnn": gru(bidirectional=True)},
    ),
    "view_of_states": (
        lambda m, x: m.rnn(x)[1].view(2, 2, -1, 4)[-1].sum(0),
        {"rnn": gru(num_layers=2, bidirectional=True)},
    ),
    "unbound_states": (
        lambda m, x: m.rnn(x)[1].unbind(0)[0] - m.rnn(x)[1][1:].squeeze(0),
        {"rnn": gru(num_layers=2)},
    ),
    "merged_samples_and_steps": (
        lambda m, x: m.fc(steps(m, x).reshape(-1, 4)).view(x.size(0), -1, 2),
        {"fc": nn.Linear(4, 2)},
    ),
    "merged_steps_and_samples": (
        lambda m, x: torch.tanh(
            m.fc(steps(m, x).transpose(0, 1).reshape(-1, 4)).view(6, -1, 2)
        ).permute(1, 2, 0),
        {"fc": nn.Linear(4, 2)},
    ),
    "norms": (
        lambda m, x: m.ln(m.bn(steps(m, x).transpose(1, 2)).transpose(1, 2)),
        {"ln": nn.LayerNorm(4), "bn": nn.BatchNorm1d(4)},
    ),
    "norm_of_vectors": (
        lambda m, x: m.bn(steps(m, x)[:, -1]),
        {"bn": nn.BatchNorm1d(4, affine=False)},
    ),
    "convolution": (
        lambda m, x: m.rnn(torch.relu(m.c(x.transpose(1, 2))).transpose(1, 2))[1][0],
        {"c": nn.Conv1d(3, 3, 2)},
    ),
    "padded_convolution": (
        lambda m, x: m.c(x.transpose(1, 2)),
        {"c": nn.Conv1d(3, 6, 3, stride=2, padding=2, dilation=2, groups=3)},
    ),
    "same_convolution": (
        lambda m, x: m.c(x.transpose(1, 2)),
        {"c": nn.Conv1d(3, 2, 4, padding="same")},
    ),
    "causal_convolution": (
        lambda m, x: m.c(F.pad(x.transpose(1, 2), (3, 0))),
        {"c": nn.Conv1d(3, 2, 4)},
    ),
    "pools": (
        lambda m, x: torch.cat(
            [F.max_pool1d(x.mT, 2), F.avg_pool1d(x.mT, 3, 1), F.adaptive_max_pool1d(x.mT, 1)], 2
        ),
        {},
    ),
    "means": (
        lambda m, x: torch.cat(
            [
                x.mean(1),
                x.sum(dim=1),
                x.max(dim=1)[0],
                x.amax(1),
                steps(m, x).mean((1, 2))[:, None],
            ],
            dim=-1,
        ),
        {},
    ),
    "arithmetic": (
        lambda m, x: (2 - x * 3 + torch.sub(x, x**2, alpha=0.5)) / 4 - (-x) * m.scale + 1,
        {"scale": nn.Parameter(torch.ones(1, 6, 3))},
    ),
    "broadcast": (
        lambda m, x: x[:, :, :1] * torch.arange(1, 4) + x.mean(1, keepdim=True),
        {},
    ),
    "activations": (
        lambda m, x: torch.cat(
            [
                F.leaky_relu(x, 0.2),
                F.elu(x),
                F.selu(x),
                F.celu(x, 0.7),
                F.gelu(x),
                F.gelu(x, approximate="tanh"),
                F.softplus(x),
                F.silu(x),
                F.mish(x),
                F.sigmoid(x),
                F.hardsigmoid(x),
                F.hardswish(x),
                F.hardtanh(x),
                F.hardshrink(x, 0.3),
                F.softshrink(x, 0.2),
                F.tanhshrink(x),
                F.relu6(x),
                F.logsigmoid(x),
                x.exp(),
                F.threshold(x, 0.1, 0.2),
                x.clamp(min=0),
                x.clamp(0, 1),
                m.prelu(x),
            ],
            dim=-1,
        ),
        {"prelu": nn.PReLU()},
    ),
    "axis_wise": (
        lambda m, x: torch.softmax(x, 1) + torch.log_softmax(x, -1) * F.glu(x, 1).repeat(1, 2, 1),
        {},
    ),
    "shapes": (
        lambda m, x: torch.stack([x.flatten(1), x.unflatten(1, (2, 3)).flatten(1)], 1).flip(1),
        {},
    ),
    "cuts": (
        lambda m, x: (
            x.chunk(2, 1)[1].squeeze(2)
            + x[:, ::2] * x.split([1, 3, 2], 1)[1]
            - x[:, -3:].unbind(1)[0].unsqueeze(1).expand(-1, 3, -1)
        ),
        {},
    ),
    "padded_features": (lambda m, x: F.pad(x, (1, 2, 0, 1), value=0.5), {}),
    "matrix": (
        lambda m, x: x @ m.w + torch.addmm(m.b, x[:, 0], m.w).unsqueeze(1),
        {"w": nn.Parameter(torch.ones(3, 2)), "b": nn.Parameter(torch.ones(2))},
    ),
    "given_state": (
        lambda m, x: m.rnn(x, m.h.expand(-1, x.size(0), -1).contiguous())[0],
        {"h": nn.Parameter(torch.ones(1, 1, 4))},
    ),
    "computed_state": (
        lambda m, x: m.rnn(x, torch.tanh(m.fc(x[:, 0])).unsqueeze(0))[0],
        {"fc": nn.Linear(3, 4)},
    ),
    "encoder_decoder": (
        lambda m, x: m.d(m.rnn(x)[1][-1].unsqueeze(1).repeat(1, 5, 1), m.rnn(x)[1])[0],
        {"d": nn.GRU(4, 4, batch_first=True)},
    ),
    "nested_outputs": (
        lambda m, x: {"a": steps(m, x)[:, -1], "b": (x[:, 0], [x.mean(1)])},
        {},
    ),
}


@pytest.mark.parametrize("name", CODES)
def test_forward_code_is_followed_to_the_same_numbers(name, rng):
    code, layers = CODES[name]
    model = module(code, **{"rnn": gru(), **layers})
    x = rng.normal(size=(4, 6, 3))
    network = read(model, example=x[:2])
    got = predict(network, x)
    given = model(torch.as_tensor(x))
    many = [given["a"], given["b"][0], given["b"][1][0]] if name == "nested_outputs" else [given]
    for ours, theirs in zip(got if isinstance(got, tuple) else (got,), many, strict=True):
        agree(ours, theirs)
    assert fidelity(network, model, x).attrs["agrees"]


@pytest.mark.parametrize(
    "code",
    [
        lambda m, x: m.fc(m.d(m.rnn(x)[0])[:, -1]),
        lambda m, x: m.fc(m.rnn(x, torch.zeros(2, x.size(0), 4))[1][-1]),
        lambda m, x: m.fc(m.rnn(x.transpose(0, 1).transpose(0, 1))[0][:, x.size(1) - 1]),
    ],
)
def test_a_plain_forecaster_becomes_a_plain_network_for_any_length(code, rng):
    model = module(code, rnn=gru(num_layers=2, dropout=0.3), fc=nn.Linear(4, 2), d=nn.Dropout(0.5))
    network = read(model, example=np.zeros((1, 4, 3)))
    assert [node.name for node in network.nodes] == ["x", "rnn_l0", "rnn_l1", "fc"]
    assert network.inputs["x"].shape == (None, 3)
    assert not network["rnn_l1"].layer.return_sequences
    x = rng.normal(size=(3, 9, 3))
    agree(predict(network, x), model(torch.as_tensor(x)))


def test_code_that_is_tied_to_the_length_keeps_it():
    model = module(lambda m, x: m.fc(m.rnn(x)[0].flatten(1)), rnn=gru(), fc=nn.Linear(24, 2))
    network = read(model, example=np.zeros((1, 6, 3)))
    assert network.inputs["x"].shape == (6, 3)
    assert "the graph as exported serves windows of the example's length" in network.origin.notes


def test_steps_first_code_gives_a_samples_first_network_and_says_so(rng):
    model = module(
        lambda m, x: m.fc(m.rnn(x)[0]), rnn=nn.LSTM(3, 4, num_layers=2), fc=nn.Linear(4, 2)
    )
    x = rng.normal(size=(5, 6, 3))
    network = read(model, example=torch.zeros(6, 2, 3))
    agree(predict(network, x), model(torch.as_tensor(x.swapaxes(0, 1).copy())).swapaxes(0, 1))
    assert any("takes (step, sample, feature)" in note for note in network.origin.notes)
    assert fidelity(network, model, x).attrs["agrees"]


def test_tokens_and_two_inputs_are_taken(rng):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.e, self.rnn = nn.Embedding(9, 3), nn.GRU(5, 4, batch_first=True)

        def forward(self, tokens, weather):
            return self.rnn(torch.cat([self.e(tokens), weather], dim=2))[0][:, -1]

    model = scrambled(Two().double())
    tokens, weather = rng.integers(0, 9, size=(4, 6)), rng.normal(size=(4, 6, 2))
    network = read(model, example=(tokens[:2], weather[:2]))
    X = {"tokens": tokens, "weather": weather}
    agree(predict(network, X), model(torch.as_tensor(tokens), torch.as_tensor(weather)))
    assert fidelity(network, model, X).attrs["agrees"]


def test_a_shared_layer_is_one_layer_and_its_arrays_are_listed_once(rng):
    from rnnlens.network.inventory import parameter_count

    model = module(lambda m, x: m.fc(m.fc(m.rnn(x)[0][:, -1])), rnn=gru(), fc=nn.Linear(4, 4))
    network = read(model, example=np.zeros((1, 6, 3)))
    assert network["fc"].layer is network["fc_1"].layer
    assert parameter_count(network) == sum(p.numel() for p in model.parameters())


def test_a_loop_that_feeds_its_own_output_back_stays_a_loop(rng):
    def code(m, x):
        h = m.rnn(x)[1][-1]
        outputs = []
        for _ in range(3):
            h = m.c(m.fc(h), h)
            outputs.append(m.fc(h))
        return torch.stack(outputs, dim=1)

    model = module(code, rnn=gru(), c=nn.GRUCell(2, 4), fc=nn.Linear(4, 2))
    x = rng.normal(size=(4, 6, 3))
    network = read(model, example=x)
    agree(predict(network, x), model(torch.as_tensor(x)))
    assert [node.name for node in network.nodes if node.name.startswith("c")] == ["c", "c_1", "c_2"]


def test_two_cells_in_one_loop_become_two_layers(rng):
    def code(m, x):
        a, b, outputs = None, None, []
        for t in range(x.shape[1]):
            a = m.a(x[:, t], a)
            b = m.b(a[0], b)
            outputs.append(b)
        return torch.stack(outputs, dim=1), a[1]

    model = module(code, a=nn.LSTMCell(3, 4), b=nn.GRUCell(4, 2))
    x = rng.normal(size=(4, 6, 3))
    network = read(model, example=x)
    assert [node.name for node in network.nodes] == ["x", "a", "b"]
    for ours, theirs in zip(predict(network, x), model(torch.as_tensor(x)), strict=True):
        agree(ours, theirs)


def test_the_callers_module_is_left_as_it_was(rng):
    model = module(lambda m, x: m.d(m.rnn(x)[0]), rnn=gru(), d=nn.Dropout(0.9))
    model.train()
    model.rnn.eval()
    state = {name: array.clone() for name, array in model.state_dict().items()}
    x = rng.normal(size=(4, 6, 3))
    network = read(model, example=x)
    assert fidelity(network, model, x).attrs["agrees"]  # also run without dropout
    assert (model.training, model.rnn.training, model.d.training) == (True, False, True)
    assert all(torch.equal(array, state[name]) for name, array in model.state_dict().items())
    assert all(array.requires_grad for array in model.parameters())
    assert "the module is in training mode; a copy of it was read as it predicts" in (
        network.origin.notes
    )
    with torch.no_grad():
        model.rnn.weight_ih_l0.mul_(3)
    assert not fidelity(network, model, x).attrs["agrees"]


@pytest.mark.parametrize(
    "code",
    [lambda m, x: m.fc(m.rnn(x)[0][:, -1]).squeeze(-1), lambda m, x: m.rnn(x)[0][:, -1, 2]],
)
def test_one_number_a_sample_is_one_target_and_can_be_explained(code, rng):
    from rnnlens import explain

    model = module(code, rnn=gru(), fc=nn.Linear(4, 1))
    x = rng.normal(size=(5, 6, 3))
    network = read(model, example=x)
    assert predict(network, x).shape == (5, 1)
    agree(predict(network, x)[:, 0], model(torch.as_tensor(x)))
    proof = fidelity(network, model, x)
    assert proof.attrs["agrees"] and proof.sizes == {"target": 1}
    split = explain(network, x, background=x)
    assert np.abs(split["residual"]).max() < 1e-10


# --- what is refused ---------------------------------------------------------------------------


class Summed(nn.Module):
    """An operation that is not read."""

    def forward(self, x):
        return torch.cumprod(x, 1)


def test_a_refusal_knows_whether_another_axis_of_samples_may_help_not_by_its_words(rng):
    x = rng.normal(size=(4, 6, 3))
    other = module(lambda m, x: m.samples(steps(m, x))[:, -1], rnn=gru(), samples=Summed())
    with pytest.raises(UnsupportedModel, match="in 'samples'") as caught:
        read(other, example=x)
    assert not isinstance(caught.value, WrongSampleAxis)
    across = module(lambda m, x: steps(m, x)[:, -1].mean(0, keepdim=True) + x[:, 0, :1], rnn=gru())
    with pytest.raises(WrongSampleAxis, match="across the samples of a batch"):
        read(across, example=x)
