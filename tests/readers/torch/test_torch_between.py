"""What stands between layers in live PyTorch: right to the last digits, and contributions sum."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rnnlens.api import read
from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import entries, forward
from torch_models import Coded, scrambled

pytestmark = pytest.mark.usefixtures("doubles")


def coded(code, **layers):
    usual = {"rnn": nn.GRU(3, 4, batch_first=True), "fc": nn.Linear(4, 2), "score": nn.Linear(4, 1)}
    return Coded(code, **usual, **layers)


def steps(m, x):
    return m.rnn(x)[0]


def last(m, x):
    return m.rnn(x)[0][:, -1]


def two(m, x):
    return m.fc(last(m, x))


# --- arithmetic, functions, choices ----------------------------------------------------------


def deep_ar(m, x):
    scale = x.abs().mean(1, keepdim=True) + 1
    return m.fc(steps(m, x / scale)[:, -1]) * scale[:, 0, :1]


def rev_in(m, x):
    mean = x.mean(1, keepdim=True)
    deviation = torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5)
    return m.fc(steps(m, (x - mean) / deviation)[:, -1]) * deviation[:, 0, :2] + mean[:, 0, :2]


def rms_norm(m, x):
    o = steps(m, x)
    return m.fc((o * torch.rsqrt(o.pow(2).mean(-1, keepdim=True) + 1e-6))[:, -1])


def minutes_and_hours(m, x):
    angle = 2 * math.pi * x[..., :1] / 24
    return two(m, torch.cat([torch.sin(angle), torch.cos(angle), x[..., 2:]], -1))


def squeeze_excite(m, x):
    o = steps(m, x)
    weights = torch.sigmoid(m.up(torch.relu(m.down(o.mean(1)))))
    return m.fc((o * weights.unsqueeze(1)).sum(1))


def gated_residual(m, x):
    """The gated residual of a temporal fusion transformer."""
    h = m.up(F.elu(m.down(steps(m, x))))
    gated = F.glu(m.gate(h), dim=-1)
    return m.fc(F.layer_norm(gated + steps(m, x), (4,))[:, -1])


def highway(m, x):
    o = last(m, x)
    t = torch.sigmoid(m.gate(o)[:, :4])
    return m.fc(t * torch.tanh(m.gate(o)[:, 4:]) + (1 - t) * o)


def seasonal_naive(m, x):
    return x[:, -3, :2] + two(m, x)


def differences(m, x):
    return x[:, -1, :2] + m.fc(steps(m, x[:, 1:] - x[:, :-1])[:, -1])


def moving_average(m, x):
    trend = F.avg_pool1d(x.transpose(1, 2), 3, stride=1).transpose(1, 2)
    return m.fc(steps(m, x[:, 1:-1] - trend)[:, -1]) + trend[:, -1, :2]


def student(m, x):
    """Parameters of Student's t by softplus, as probabilistic forecasters give them."""
    out = two(m, x)
    return torch.cat([out[:, :1], F.softplus(out[:, 1:]) + 1e-3, 2 + F.softplus(out[:, :1])], -1)


def where_rain(m, x):
    return torch.where(x[:, -1, :1] > 0.1, two(m, x), torch.zeros(2))


def masked_mean(m, x):
    keep = (x[..., :1] > -0.5).float().to(x.dtype)
    return m.fc((steps(m, x) * keep).sum(1) / keep.sum(1).clamp(min=1e-9))


def comparisons(m, x):
    a, b = two(m, x), x[:, -1, :2]
    return (
        (a > b).to(a.dtype) * a
        + (a >= 0.1).to(a.dtype)
        + (a < b).double() * b
        + (b <= 0).double()
        + ((a > 0) & (b > 0)).double()
        + ((a > 0) | (b < 0)).double() * a
        + (~(a > b)).double()
    )


def functions(m, x):
    a = two(m, x)
    return (
        torch.log1p(a.abs())
        + torch.sqrt(a**2 + 1)
        + a.abs().pow(1.5)
        + torch.exp2(a) / (1 + a.abs())
        + torch.log(2 + a.abs())
        + torch.log10(3 + a.square())
        + torch.erf(a)
        + torch.atan(a)
        + torch.expm1(a)
        + a**3
        + 2.0**a
        + 1 / (2 + a.square())
        + F.softsign(a)
        + torch.sign(a)
        + torch.floor(a)
        + torch.round(a * 3)
        + (a.abs() + 1) ** x[:, -1, :2]
    )


def limits(m, x):
    a, b = two(m, x), x[:, -1, :2]
    return torch.cat(
        [
            a.clamp(max=0.05),
            a.clamp_min(1e-6),
            a.clamp(-0.1, 0.2),
            torch.clamp(a, min=b),
            torch.maximum(a, b),
            torch.minimum(a, torch.tensor([0.1, -0.2])),
            torch.max(a, b * 2),
            F.softplus(a, beta=2),
            F.gelu(a, approximate="tanh"),
            F.hardtanh(a, -0.3, 0.7),
            torch.lerp(a, b, 0.3),
        ],
        -1,
    )


def reductions(m, x):
    o = steps(m, x)
    return torch.cat(
        [
            o.sum(1),
            o.std(1),
            o.var(1, unbiased=False),
            o.amin(1),
            o.min(dim=1)[0],
            torch.logsumexp(o, 1),
            o.prod(1),
            o.norm(dim=1),
            torch.linalg.vector_norm(o, ord=1, dim=1),
            o.amax(2),
            o.max(2).values,
        ],
        -1,
    )


def l2_normalised(m, x):
    return m.fc(F.normalize(steps(m, x), dim=-1)[:, -1])


def nan_filled(m, x):
    x = torch.where(torch.isnan(x), torch.zeros(1), x)
    return two(m, torch.nan_to_num(x)) + torch.nanmean(x, 1)[:, :2]


# --- places ----------------------------------------------------------------------------------


def reordered(m, x):
    return two(m, x[:, :, [2, 0, 1]]) + x[:, [0, -1]].sum(1)[:, :2]


def index_selected(m, x):
    return two(m, x.index_select(2, torch.tensor([1, 1, 0]))) + torch.roll(x, 2, 1)[:, 0, :2]


def written(m, x):
    out = torch.zeros(x.size(0), 3, 2)
    out[:, 0] = two(m, x)
    out[:, 2] = x[:, -1, :2]
    return out


def written_to_all(m, x):
    out = x.new_zeros(x.size(0), x.size(1), 2)
    for t in range(x.size(1)):
        out[:, t] = m.fc(m.rnn(x)[0][:, t])
    return out


def written_steps_first(m, x):
    out = torch.empty(2, x.size(0), 2)
    out[0] = two(m, x)
    out[1] = out[0] * 2
    return out.transpose(0, 1)


def written_runs(m, x):
    out = torch.zeros_like(x)
    out[:, 1:] = x[:, :-1]
    out[:, :, 0] += 1
    out[:, 0, 1:] = -x[:, -1, 1:]
    return two(m, out)


def written_list(m, x):
    out = torch.zeros(x.size(0), 4, 2)
    out[:, [0, 3]] = torch.stack([two(m, x), x[:, 0, :2]], 1)
    return out


def view_changed(m, x):
    """A view is written into: what it is a view of changes with it."""
    y = x.clone()
    newest = y[:, -1]
    newest.mul_(2)
    return two(m, y)


def running(m, x):
    return torch.cumsum(m.fc(steps(m, x)), 1) + x[:, :1, :2]


# --- constants like the data -----------------------------------------------------------------


def started(make):
    return lambda m, x: m.fc(m.rnn(x, make(m, x))[0][:, -1])


def triangular(m, x):
    scores = steps(m, x) @ steps(m, x).transpose(1, 2)
    hidden = torch.triu(torch.ones(x.size(1), x.size(1)), diagonal=1).bool()
    return m.fc(torch.softmax(scores.masked_fill(hidden, float("-inf")), -1) @ steps(m, x))


# --- attention -------------------------------------------------------------------------------


def softmax_pooling(m, x):
    o = steps(m, x)
    return m.fc((torch.softmax(m.score(o), dim=1) * o).sum(1))


def bmm_pooling(m, x):
    o = steps(m, x)
    weights = torch.softmax(m.score(o).squeeze(-1), 1).unsqueeze(1)
    return m.fc(torch.bmm(weights, o).squeeze(1))


def tanh_pooling(m, x):
    """Attention over the hidden states of Zhou et al. 2016."""
    o = steps(m, x)
    alpha = F.softmax(torch.matmul(torch.tanh(o), m.w), dim=1).unsqueeze(-1)
    return m.fc(torch.tanh((o * alpha).sum(1)))


def dot_attention(m, x):
    """Luong's dot product of the last state with all."""
    o, h = m.rnn(x)
    scores = torch.bmm(o, h[-1].unsqueeze(2)).squeeze(2)
    context = torch.bmm(o.transpose(1, 2), F.softmax(scores, 1).unsqueeze(2)).squeeze(2)
    return m.both(torch.cat([context, h[-1]], 1))


def general_attention(m, x):
    o, h = m.rnn(x)
    query = m.square(h[-1]).unsqueeze(1)
    weights = torch.softmax((query @ o.mT) / math.sqrt(4), -1)
    return m.fc((weights @ o)[:, 0])


def additive_attention(m, x):
    """Bahdanau's: the last state, repeated, beside every state."""
    o, h = m.rnn(x)
    query = h[-1].unsqueeze(1).repeat(1, o.size(1), 1)
    energy = m.v(torch.tanh(m.both4(torch.cat([query, o], 2)))).squeeze(2)
    return m.fc(torch.einsum("bt,bth->bh", F.softmax(energy, 1), o))


def additive_by_sum(m, x):
    o, h = m.rnn(x)
    energy = m.v(torch.tanh(m.square(o) + m.square2(h[-1])[:, None]))
    return m.fc(torch.sum(F.softmax(energy, dim=1) * o, dim=1))


def self_attention(m, x):
    o = steps(m, x)
    q, k, v = m.qkv(o).chunk(3, -1)
    return m.fc(F.scaled_dot_product_attention(q, k, v).mean(1))


def causal_attention(m, x):
    o = steps(m, x)
    return m.fc(F.scaled_dot_product_attention(o, o, o, is_causal=True)[:, -1])


def heads_by_hand(m, x):
    o = steps(m, x)
    q, k, v = (one.view(x.size(0), -1, 2, 2).transpose(1, 2) for one in m.qkv(o).split(4, dim=-1))
    mixed = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(2), -1) @ v
    return m.fc(mixed.transpose(1, 2).reshape(x.size(0), -1, 4)[:, -1])


def heads_by_einsum(m, x):
    o = steps(m, x)
    q, k, v = m.qkv(o).unflatten(-1, (3, 2, 2)).unbind(2)
    weights = torch.softmax(torch.einsum("ZqhX,ZkhX->Zhqk", q, k) * 0.7, -1)
    return m.fc(torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2)[:, -1])


def multi_head(m, x):
    o = steps(m, x)
    return m.fc((o + m.mha(o, o, o)[0])[:, -1])


def multi_head_fast(m, x):
    o, h = m.rnn(x)
    return m.fc(m.mha(h.transpose(0, 1), o, o, need_weights=False)[0].squeeze(1))


def multi_head_masked(m, x):
    o = steps(m, x)
    mask = torch.triu(torch.ones(x.size(1), x.size(1), dtype=torch.bool), 1)
    return m.fc(m.mha(o, o, o, attn_mask=mask, need_weights=False)[0][:, -1])


def multi_head_weights(m, x):
    o = steps(m, x)
    return m.mha(o, o, o)[1]


def transformer_block(m, x):
    return m.fc(m.block(steps(m, x))[:, -1])


def attention_over_features(m, x):
    """The first stage of dual-stage attention: weights by feature, softmax over the features."""
    weights = torch.softmax(torch.einsum("btf,t->bf", x, m.over), dim=1)
    return two(m, x * weights[:, None])


def bilinear(m, x):
    o, h = m.rnn(x)
    return torch.einsum("bi,oij,btj->bo", h[-1], m.cube, o)


def gaussian_kernel(m, x):
    o = steps(m, x)
    distance = (o[:, :, None] - o[:, None]).pow(2).sum(-1)
    return m.fc((torch.exp(-distance)[:, -1:] @ o)[:, 0])


LINEARS = {"down": nn.Linear(4, 2), "up": nn.Linear(2, 4), "gate": nn.Linear(4, 8)}
MHA = {"mha": lambda: nn.MultiheadAttention(4, 2, batch_first=True)}

#: The forward code, and the layers that it has beside the GRU and the heads.
CODES = {
    "attention over the features": (attention_over_features, {"over": lambda: _parameter(5)}),
    "additive attention": (
        additive_attention,
        {"both4": lambda: nn.Linear(8, 4), "v": lambda: nn.Linear(4, 1, bias=False)},
    ),
    "additive attention by a sum": (
        additive_by_sum,
        {
            "square": lambda: nn.Linear(4, 4),
            "square2": lambda: nn.Linear(4, 4),
            "v": lambda: nn.Linear(4, 1),
        },
    ),
    "bilinear form": (bilinear, {"cube": lambda: _parameter(2, 4, 4)}),
    "bmm pooling": (bmm_pooling, {}),
    "causal attention": (causal_attention, {}),
    "comparisons": (comparisons, {}),
    "DeepAR scaling": (deep_ar, {}),
    "differences": (differences, {}),
    "dot attention": (dot_attention, {"both": lambda: nn.Linear(8, 2)}),
    "functions": (functions, {}),
    "gated residual": (gated_residual, {name: lambda n=name: LINEARS[n] for name in LINEARS}),
    "gaussian kernel": (gaussian_kernel, {}),
    "general attention": (general_attention, {"square": lambda: nn.Linear(4, 4)}),
    "heads by einsum": (heads_by_einsum, {"qkv": lambda: nn.Linear(4, 12)}),
    "heads by hand": (heads_by_hand, {"qkv": lambda: nn.Linear(4, 12)}),
    "highway": (highway, {"gate": lambda: nn.Linear(4, 8)}),
    "indices": (reordered, {}),
    "indices by index_select": (index_selected, {}),
    "L2 normalised": (l2_normalised, {}),
    "limits": (limits, {}),
    "masked mean": (masked_mean, {}),
    "moving average": (moving_average, {}),
    "multi-head attention": (multi_head, MHA),
    "multi-head attention, masked": (multi_head_masked, MHA),
    "multi-head attention of the last state": (multi_head_fast, MHA),
    "multi-head attention's weights": (multi_head_weights, MHA),
    "NaN filled": (nan_filled, {}),
    "reductions": (reductions, {}),
    "RevIN": (rev_in, {}),
    "RMS norm": (rms_norm, {}),
    "running sum": (running, {}),
    "seasonal naive": (seasonal_naive, {}),
    "self-attention": (self_attention, {"qkv": lambda: nn.Linear(4, 12)}),
    "sine and cosine": (minutes_and_hours, {}),
    "softmax pooling": (softmax_pooling, {}),
    "squeeze and excite": (squeeze_excite, {k: lambda n=k: LINEARS[n] for k in ("down", "up")}),
    "start from full_like": (
        started(lambda m, x: torch.full_like(x[:, 0, :1], 0.1).expand(-1, 4)[None].contiguous()),
        {},
    ),
    "start from new_full": (started(lambda m, x: x.new_full((1, x.size(0), 4), 0.3)), {}),
    "start from new_zeros": (started(lambda m, x: x.new_zeros(1, x.size(0), 4)), {}),
    "start from ones_like": (
        started(lambda m, x: torch.ones_like(x[:, :1, :1]).repeat(1, 1, 4).transpose(0, 1)),
        {},
    ),
    "Student's t": (student, {}),
    "tanh pooling": (tanh_pooling, {"w": lambda: _parameter(4)}),
    "transformer block": (
        transformer_block,
        {"block": lambda: nn.TransformerEncoderLayer(4, 2, 6, batch_first=True)},
    ),
    "triangular mask": (triangular, {}),
    "view changed in place": (view_changed, {}),
    "where": (where_rain, {}),
    "written": (written, {}),
    "written by a list": (written_list, {}),
    "written runs": (written_runs, {}),
    "written steps first": (written_steps_first, {}),
    "written to every step": (written_to_all, {}),
}


def _parameter(*shape):
    return nn.Parameter(torch.ones(*shape))


class Several(nn.Module):
    """Several idioms of one input: reading them together takes a fraction of the time."""

    def __init__(self, names):
        super().__init__()
        self.names = names
        for number, name in enumerate(names):
            code, layers = CODES[name]
            setattr(
                self, f"part_{number}", coded(code, **{k: make() for k, make in layers.items()})
            )

    def forward(self, x):
        return tuple(getattr(self, f"part_{number}")(x) for number in range(len(self.names)))


#: Idioms that are read together; those that write into tensors are rewritten by PyTorch first.
TOGETHER = 7
GROUPS = [
    names[start : start + TOGETHER]
    for names in (
        [name for name in CODES if "written" not in name and "changed" not in name],
        [name for name in CODES if "written" in name or "changed" in name],
    )
    for start in range(0, len(names), TOGETHER)
]


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_idioms_are_read_right_and_their_contributions_sum(names, rng):
    module = scrambled(Several(names).double())
    x, x0 = rng.normal(size=(2, 3, 5, 3))
    network = read(module, example=x)
    run, run0 = (forward(network, entries(network, one)) for one in (x, x0))
    for own, one in ((run, x), (run0, x0)):
        with torch.no_grad():
            theirs = module(torch.as_tensor(one))
        for name, ref, their in zip(names, network.outputs, theirs, strict=True):
            # double arithmetic on both sides, in another order: roundings of sums of some tens
            np.testing.assert_allclose(
                own.value(ref), their.numpy(), rtol=1e-10, atol=1e-11, err_msg=name
            )
    for name, ref in zip(names, network.outputs, strict=True):
        m = {ref: rng.normal(size=run.value(ref).shape)}
        change = m[ref] * (run.value(ref) - run0.value(ref))
        carried = multipliers(run, run0, m)["x", 0] * (x - x0)
        size = np.abs(m[ref] * run.value(ref)).sum() + np.abs(m[ref] * run0.value(ref)).sum()
        sums = carried.reshape(3, -1).sum(axis=1), change.reshape(3, -1).sum(axis=1)
        np.testing.assert_allclose(*sums, rtol=1e-10, atol=1e-12 * size, err_msg=name)
