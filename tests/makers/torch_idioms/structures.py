"""How layers stand to each other: residuals, stacks, directions, attention."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from torch_idioms.registry import idiom, lstm, same


@idiom(same(lift=lambda: nn.Linear(3, 4), second=lambda: lstm(4), n1=lambda: nn.LayerNorm(4)))
def residual_stack_with_norms(m, x):
    y = m.lift(x)
    z = y + m.rnn(x)[0]
    return m.fc((z + m.second(m.n1(z))[0])[:, -1])


@idiom(same(second=lambda: lstm(7), fc=lambda: nn.Linear(11, 2)))
def dense_connections(m, x):
    one = torch.cat([x, m.rnn(x)[0]], -1)
    return m.fc(torch.cat([one, m.second(one)[0]], -1)[:, -1])


@idiom(same())
def skip_over_one_step(m, x):
    o = m.rnn(x)[0]
    return m.fc((o[:, 1:] + 0.5 * o[:, :-1])[:, -1])


@idiom(same(highway=lambda: nn.Linear(4, 1), fc=lambda: nn.Linear(4, 3)))
def linear_model_beside_it(m, x):
    return m.fc(m.rnn(x)[0][:, -1]) + m.highway(x[:, -4:].permute(0, 2, 1)).squeeze(-1)


@idiom(same(skip=lambda: lstm(3), fc=lambda: nn.Linear(12, 2)))
def steps_of_a_season_apart(m, x):
    places = [m.skip(x[:, k::2])[1][0][-1] for k in range(2)]
    return m.fc(torch.cat([m.rnn(x)[1][0].squeeze(0), *places], 1))


@idiom(same(skip=lambda: lstm(3), fc=lambda: nn.Linear(12, 2)), refused="merges samples and steps")
def seasons_as_samples(m, x):
    folded = x.view(-1, 3, 2, 3).transpose(1, 2).reshape(-1, 3, 3)
    season = m.skip(folded)[1][0].view(-1, 8)
    return m.fc(torch.cat([m.rnn(x)[1][0][0], season], 1))


@idiom(same(rnn=lambda: lstm(bidirectional=True), fc=lambda: nn.Linear(8, 2)))
def ends_of_both_directions(m, x):
    o = m.rnn(x)[0]
    return m.fc(torch.cat([o[:, -1, :4], o[:, 0, 4:]], -1))


@idiom(same(rnn=lambda: lstm(bidirectional=True)))
def mean_of_both_directions(m, x):
    return m.fc(m.rnn(x)[0].view(x.size(0), -1, 2, 4).mean(2)[:, -1])


@idiom(same(rnn=lambda: lstm(bidirectional=True)))
def product_of_both_directions(m, x):
    ahead, back = m.rnn(x)[0].chunk(2, -1)
    return m.fc((ahead * back).sum(1))


@idiom(same(rnn=lambda: lstm(bidirectional=True), fc=lambda: nn.Linear(24, 2)))
def three_poolings_of_both_directions(m, x):
    o = m.rnn(x)[0]
    return m.fc(torch.cat([o.mean(1), o.max(1).values, o[:, -1]], 1))


@idiom(
    same(
        rnn=lambda: nn.ModuleList([lstm(3), lstm(4), lstm(4)]),
        mix=lambda: nn.Parameter(torch.ones(3)),
    )
)
def layers_mixed_by_learned_weights(m, x):
    kept = []
    for one in m.rnn:
        x, _ = one(x)
        kept.append(x)
    share = torch.softmax(m.mix, 0)
    return m.fc(sum(share[k] * one for k, one in enumerate(kept))[:, -1])


@idiom(same(members=lambda: nn.ModuleList([lstm() for _ in range(3)])))
def mean_of_an_ensemble(m, x):
    return torch.stack([m.fc(one(x)[0][:, -1]) for one in m.members]).mean(0)


@idiom(same(rnn=lambda: lstm(1), fc=lambda: nn.Linear(4, 1)))
def one_layer_for_each_feature(m, x):
    return torch.cat([m.fc(m.rnn(x[..., k : k + 1])[0][:, -1]) for k in range(3)], 1)


@idiom(same(rnn=lambda: lstm(1), fc=lambda: nn.Linear(4, 1)), refused="merges samples and steps")
def features_as_samples(m, x):
    channels = x.permute(0, 2, 1).reshape(-1, x.size(1), 1)
    return m.fc(m.rnn(channels)[0][:, -1]).view(-1, 3)


@idiom(same(gate=lambda: nn.Linear(7, 4)))
def gate_of_state_and_input(m, x):
    o = m.rnn(x)[0]
    g = torch.sigmoid(m.gate(torch.cat([o, x], -1)))
    return m.fc((g * o + (1 - g) * torch.tanh(o))[:, -1])


# --- attention ----------------------------------------------------------------------------------


@idiom(same(q=lambda: nn.Parameter(torch.ones(2, 4))))
def several_learned_queries(m, x):
    o = m.rnn(x)[0]
    share = torch.softmax(m.q @ o.mT / 2, -1)
    return m.fc((share @ o).sum(1))


@idiom(
    same(
        score=lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2, bias=False)),
        fc=lambda: nn.Linear(8, 2),
    )
)
def structured_self_attention(m, x):
    o = m.rnn(x)[0]
    share = m.score(o).softmax(1)
    return m.fc(torch.einsum("bth,btk->bkh", o, share).flatten(1))


@idiom(same(score=lambda: nn.Linear(4, 1)))
def attention_by_sigmoid(m, x):
    o = m.rnn(x)[0]
    share = torch.sigmoid(m.score(o))
    return m.fc((share * o).sum(1) / share.sum(1).clamp_min(1e-6))


@idiom(same(score=lambda: nn.Linear(4, 1)))
def attention_over_older_steps_alone(m, x):
    o = m.rnn(x)[0]
    older = o[:, :-1]
    share = F.softmax(m.score(torch.tanh(older + o[:, -1:])), 1)
    return m.fc(o[:, -1] + (share * older).sum(1))


@idiom(same(score=lambda: nn.Linear(4, 1)))
def attention_with_a_temperature_and_a_bias_for_age(m, x):
    o = m.rnn(x)[0]
    age = torch.arange(x.size(1) - 1, -1, -1, dtype=x.dtype)
    share = torch.softmax(m.score(o).squeeze(-1) / 0.5 - 0.1 * age, -1)
    return m.fc(torch.matmul(share.unsqueeze(1), o).squeeze(1))


@idiom(same(k=lambda: nn.Linear(3, 4), v=lambda: nn.Linear(3, 4)))
def query_of_the_state_on_the_inputs(m, x):
    query = m.rnn(x)[1][0][-1].unsqueeze(1)
    return m.fc(F.scaled_dot_product_attention(query, m.k(x), m.v(x)).squeeze(1))


@idiom(same(mha=lambda: nn.MultiheadAttention(4, 2, batch_first=True, kdim=3, vdim=3)))
def heads_across_states_and_inputs(m, x):
    o = m.rnn(x)[0]
    return m.fc((o + m.mha(o, x, x, need_weights=False)[0])[:, -1])


@idiom(
    same(
        mha=lambda: nn.MultiheadAttention(4, 1, batch_first=True),
        n=lambda: nn.LayerNorm(4),
        up=lambda: nn.Linear(4, 6),
        down=lambda: nn.Linear(6, 4),
    )
)
def block_normed_before(m, x):
    o = m.rnn(x)[0]
    y = m.n(o)
    o = o + m.mha(y, y, y)[0]
    return m.fc((o + m.down(F.gelu(m.up(m.n(o)))))[:, -1])


@idiom(same())
def window_of_three_steps_attended(m, x):
    o = m.rnn(x)[0]
    scores = o @ o.mT / math.sqrt(4)
    place = torch.arange(x.size(1))
    near = (place[:, None] - place[None, :]).abs() < 2
    return m.fc((scores.masked_fill(~near, -1e9).softmax(-1) @ o)[:, -1])


@idiom(same(key=lambda: nn.Linear(4, 4)))
def linear_attention(m, x):
    o = m.rnn(x)[0]
    q, k = F.elu(o) + 1, F.elu(m.key(o)) + 1
    memory = torch.einsum("btd,bte->bde", k, o)
    size = torch.einsum("btd,bd->bt", q, k.sum(1)).unsqueeze(-1)
    return m.fc((torch.einsum("btd,bde->bte", q, memory) / size)[:, -1])


@idiom(same(w=lambda: nn.Linear(4, 4)))
def cosine_attention(m, x):
    o = m.rnn(x)[0]
    near = F.cosine_similarity(o, m.w(o[:, -1:]), dim=-1)
    return m.fc((torch.softmax(5 * near, 1).unsqueeze(-1) * o).sum(1))


@idiom(same(score=lambda: nn.Linear(4, 1)), refused="aten.topk")
def attention_to_the_best_three(m, x):
    o = m.rnn(x)[0]
    scores = m.score(o).squeeze(-1)
    kept = scores.topk(3, 1).values[:, -1:]
    return m.fc((torch.softmax(scores.masked_fill(scores < kept, -1e9), 1)[..., None] * o).sum(1))


@idiom(same(a=lambda: nn.Linear(4, 1), fc=lambda: nn.Linear(3, 1)))
def copies_of_the_inputs_by_attention(m, x):
    share = torch.softmax(m.a(m.rnn(x)[0]), 1)
    return m.fc((share * x).sum(1))
