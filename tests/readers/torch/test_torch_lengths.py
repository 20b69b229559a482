"""Modules that are told how many steps of each window are real."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnnlens import fidelity
from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.network.axes import Lengths
from torch_models import scrambled

LENGTHS = np.array([6, 5, 4, 2])
OTHERS = np.array([2, 7, 1, 7, 4, 3])


class Coded(nn.Module):
    """A module whose forward code is a function of windows and lengths."""

    def __init__(self, code, **layers):
        super().__init__()
        self.code = code
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x, n):
        return self.code(self, x, n)


def module(code, **layers):
    return scrambled(Coded(code, **layers).double())


def lstm(features=3, kind=nn.LSTM, **options):
    return kind(features, 5, **{"batch_first": True} | options)


def windows(samples=4, steps=6, features=3, seed=0):
    return np.random.default_rng(seed).normal(size=(samples, steps, features))


def packed(x, n, **options):
    return pack_padded_sequence(x, n, **{"batch_first": True} | options)


def whole(sequence, **options):
    return pad_packed_sequence(sequence, **{"batch_first": True} | options)[0]


def between(m, x, n):
    """A layer on the packed numbers themselves, as dropout is often put there."""
    o, _ = m.rnn(packed(x, n))
    o = PackedSequence(
        torch.tanh(m.fc(o.data)), o.batch_sizes, o.sorted_indices, o.unsorted_indices
    )
    return m.second(o)[1][0][-1]


def sorted_by_hand(m, x, n):
    n, order = n.sort(0, descending=True)
    o = whole(m.rnn(packed(x[order], n))[0])
    return m.fc(o[torch.argsort(order)])


def sorted_by_index(m, x, n):
    n, order = torch.sort(n, descending=True)
    _, back = torch.sort(order)
    h = m.rnn(packed(x.index_select(0, order), n.cpu()))[1][0][-1]
    return m.fc(h.index_select(0, back))


CODES = {
    "final_state": (lambda m, x, n: m.fc(m.rnn(packed(x, n))[1][0][-1]), {}),
    "unsorted": (
        lambda m, x, n: m.fc(m.rnn(packed(x, n, enforce_sorted=False))[1][0][-1]),
        {},
    ),
    "lengths_on_the_cpu": (
        lambda m, x, n: m.fc(m.rnn(packed(x, n.cpu().long(), enforce_sorted=False))[1][0][-1]),
        {},
    ),
    "every_step": (lambda m, x, n: m.fc(whole(m.rnn(packed(x, n))[0])), {}),
    "every_step_of_a_gru": (
        lambda m, x, n: m.fc(whole(m.rnn(packed(x, n, enforce_sorted=False))[0])),
        {"rnn": lstm(kind=nn.GRU)},
    ),
    "plain": (
        lambda m, x, n: m.fc(m.rnn(packed(x, n))[1][-1]),
        {"rnn": lstm(kind=nn.RNN, nonlinearity="relu")},
    ),
    "both_directions": (
        lambda m, x, n: torch.cat([*m.rnn(packed(x, n, enforce_sorted=False))[1][0]], -1),
        {"rnn": lstm(bidirectional=True)},
    ),
    "both_directions_at_every_step": (
        lambda m, x, n: whole(m.rnn(packed(x, n, enforce_sorted=False))[0]),
        {"rnn": lstm(bidirectional=True)},
    ),
    "stacked": (
        lambda m, x, n: m.fc(m.rnn(packed(x, n))[1][0][-1]),
        {"rnn": lstm(num_layers=2, dropout=0.5)},
    ),
    "stacked_in_both_directions": (
        lambda m, x, n: whole(m.rnn(packed(x, n))[0]).sum(1),
        {"rnn": lstm(num_layers=2, bidirectional=True)},
    ),
    "layer_by_layer": (
        lambda m, x, n: m.fc(m.second(m.rnn(packed(x, n))[0])[1][0][-1]),
        {"second": lstm(5)},
    ),
    "packed_twice": (
        lambda m, x, n: m.fc(m.second(packed(whole(m.rnn(packed(x, n))[0]), n))[1][0][-1]),
        {"second": lstm(5)},
    ),
    "second_layer_reads_the_zeros": (
        lambda m, x, n: m.fc(m.second(whole(m.rnn(packed(x, n))[0]))[1][0][-1]),
        {"second": lstm(5)},
    ),
    "between": (between, {"fc": nn.Linear(5, 4), "second": lstm(4)}),
    "given_state": (
        lambda m, x, n: m.rnn(packed(x, n), (x[None, :, 0, :1].repeat(1, 1, 5),) * 2)[1][1][-1],
        {},
    ),
    "sum_over_steps": (lambda m, x, n: m.fc(whole(m.rnn(packed(x, n))[0]).sum(1)), {}),
    "steps_first_inside": (
        lambda m, x, n: m.fc(m.rnn(pack_padded_sequence(x.transpose(0, 1), n))[1][0][-1]),
        {"rnn": lstm(batch_first=False)},
    ),
    "encoder_first": (
        lambda m, x, n: m.fc(m.rnn(packed(torch.relu(m.encoder(x)), n))[1][0][-1]),
        {"encoder": nn.Linear(3, 3)},
    ),
    "sorted_by_hand": (sorted_by_hand, {}),
    "sorted_by_index": (sorted_by_index, {}),
}


@pytest.mark.parametrize("name", CODES)
def test_packed_sequences_are_read_as_masked_ones(name):
    code, layers = CODES[name]
    made = module(code, **{"rnn": lstm(), "fc": nn.Linear(5, 2)} | layers)
    net = read(made, example=(windows(), LENGTHS))
    assert list(net.inputs) == ["x", "n"]
    steps = net.inputs["x"].shape[0] or 7
    x, others = windows(6, steps, seed=3), np.minimum(OTHERS, steps)
    with torch.no_grad():
        order = np.argsort(-others, kind="stable")
        expected = made(torch.as_tensor(x[order]), torch.as_tensor(others[order])).numpy()
    ours = predict(net, {"x": x[order], "n": others[order].astype(float)})
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
    # whoever gives them in another order gets them in that order
    assert fidelity(net, made, {"x": x, "n": others}).largest < 1e-12
    # padding is no data: any number may stand there
    other = np.where((np.arange(steps) < others[:, None])[..., None], x, 99.0)
    ours = predict(net, {"x": other, "n": others.astype(float)})
    np.testing.assert_array_equal(ours, predict(net, {"x": x, "n": others.astype(float)}))


def every_sample(x):
    return torch.arange(x.size(0))


def at(n, width=5):
    return (n - 1).view(-1, 1, 1).expand(-1, 1, width)


def stepped(m, x, n):
    o = m.rnn(x)[0]
    return m.fc(o[every_sample(x), n - 1]) + o.mean(1)[:, :2]


#: How the newest real step is picked, and the layers that read the padding too.
PICKED = {
    "index": (lambda m, x, n: m.fc(m.rnn(x)[0][every_sample(x), n - 1]), {}),
    "index_of_long": (lambda m, x, n: m.fc(m.rnn(x)[0][every_sample(x), n.long() - 1, :]), {}),
    "gather": (lambda m, x, n: m.fc(m.rnn(x)[0].gather(1, at(n)).squeeze(1)), {}),
    "gather_by_repeat": (
        lambda m, x, n: m.fc(
            torch.gather(m.rnn(x)[0], 1, (n - 1)[:, None, None].repeat(1, 1, 5))[:, 0]
        ),
        {},
    ),
    "after_the_head": (lambda m, x, n: m.fc(m.rnn(x)[0])[every_sample(x), n - 1], {}),
    "stacked": (
        lambda m, x, n: m.fc(m.rnn(x)[0].gather(1, at(n))[:, 0]),
        {"rnn": lstm(num_layers=2, kind=nn.GRU)},
    ),
    "norm_between": (
        lambda m, x, n: m.fc(m.second(torch.tanh(m.norm(m.rnn(x)[0])))[0][every_sample(x), n - 1]),
        {"norm": nn.LayerNorm(5), "second": lstm(5, nn.RNN)},
    ),
    "steps_first": (
        lambda m, x, n: m.fc(m.rnn(x.transpose(0, 1))[0][n - 1, every_sample(x)]),
        {"rnn": lstm(batch_first=False)},
    ),
}
#: The same where later steps matter too, so that windows have to be as long as the example.
APART = {
    "both_directions": (
        lambda m, x, n: m.rnn(x)[0][every_sample(x), n - 1],
        {"rnn": lstm(bidirectional=True)},
    ),
    "of_the_windows": (lambda m, x, n: m.rnn(x)[1][0][-1, :, :3] * x[every_sample(x), n - 1], {}),
    "used_twice": (stepped, {}),
    "two_steps_before": (lambda m, x, n: x.gather(1, (n // 2).view(-1, 1, 1).expand(-1, 1, 3)), {}),
}


@pytest.mark.parametrize("name", [*PICKED, *APART])
def test_the_newest_real_step_is_picked_by_lengths(name):
    code, layers = (PICKED | APART)[name]
    made = module(code, **{"rnn": lstm(), "fc": nn.Linear(5, 2)} | layers)
    net = read(made, example=(windows(), LENGTHS))
    steps = 6 if name in APART else 7
    x, n = windows(6, steps, seed=3), np.minimum(OTHERS, steps)
    with torch.no_grad():
        expected = made(torch.as_tensor(x), torch.as_tensor(n)).numpy()
    ours = predict(net, {"x": x, "n": n.astype(float)})
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
    assert fidelity(net, made, {"x": x, "n": n}).largest < 1e-12
    assert any(isinstance(node.layer, Lengths) for node in net.nodes) == (name in PICKED)


def real(x, n):
    return torch.arange(x.size(1))[None, :] < n[:, None]


def mean(m, x, mask):
    o, mask = m.rnn(x)[0], mask.to(x.dtype).unsqueeze(-1)
    return m.fc((o * mask).sum(1) / mask.sum(1))


def attended(m, x, mask):
    o = m.rnn(x)[0]
    weights = m.score(o)[..., 0].masked_fill(~mask, float("-inf")).softmax(1)
    return m.fc((weights[..., None] * o).sum(1))


def counted(m, x, mask):
    n = mask.sum(1)
    return m.fc(m.rnn(packed(x, n, enforce_sorted=False))[1][0][-1])


#: What masks are used for; each takes a mask as an input, or makes it from lengths.
MASKED = {
    "mean": (mean, {}),
    "sum": (lambda m, x, mask: m.fc((m.rnn(x)[0] * mask.unsqueeze(2)).sum(dim=1)), {}),
    "largest": (
        lambda m, x, mask: m.fc(m.rnn(x)[0].masked_fill(~mask[..., None], -1e9).max(1)[0]),
        {},
    ),
    "where": (
        lambda m, x, mask: m.fc(torch.where(mask[..., None], m.rnn(x)[0], 0.0).mean(1)),
        {},
    ),
    "attention": (attended, {"score": nn.Linear(5, 1)}),
    "of_the_windows": (lambda m, x, mask: m.fc(m.rnn(x * mask[..., None])[1][0][-1]), {}),
}


@pytest.mark.parametrize("given", ["mask", "lengths"])
@pytest.mark.parametrize("name", MASKED)
def test_masks_are_read_as_what_code_does_with_them(name, given):
    code, layers = MASKED[name]
    how = code if given == "mask" else lambda m, x, n: code(m, x, real(x, n))
    made = module(how, **{"rnn": lstm(), "fc": nn.Linear(5, 2)} | layers)

    def other(steps, n):
        return n if given == "lengths" else np.arange(steps) < n[:, None]

    net = read(made, example=(windows(), other(6, LENGTHS)))
    steps = net.inputs["x"].shape[0] or 7
    x, n = windows(6, steps, seed=3), np.minimum(OTHERS, steps)
    with torch.no_grad():
        expected = made(torch.as_tensor(x), torch.as_tensor(other(steps, n))).numpy()
    ours = predict(net, {"x": x, "n": other(steps, n).astype(float)})
    # a score of -1e9 or less leaves a share of nothing
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
    # padding is no data
    x = np.where((np.arange(steps) < n[:, None])[..., None], x, 9.0)
    np.testing.assert_allclose(
        predict(net, {"x": x, "n": other(steps, n).astype(float)}), ours, rtol=0, atol=1e-12
    )


def test_lengths_that_are_counted_from_a_mask_are_read():
    made = module(counted, rnn=lstm(), fc=nn.Linear(5, 2))
    net = read(made, example=(windows(), np.arange(6) < LENGTHS[:, None]))
    x, mask = windows(6, 6, seed=3), np.arange(6) < np.minimum(OTHERS, 6)[:, None]
    expected = made(torch.as_tensor(x), torch.as_tensor(mask)).detach().numpy()
    ours = predict(net, {"x": x, "n": mask.astype(float)})
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
