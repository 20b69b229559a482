"""Several inputs: statics in three places, categories, known futures, sequences of their own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from torch_idioms.registry import STEPS, idiom, lstm, same

X = (STEPS, 3)


def last(m, x):
    return m.rnn(x)[0][:, -1]


@idiom(same(h=lambda: nn.Linear(2, 4), c=lambda: nn.Linear(2, 4)), x=X, static=(2,))
def statics_as_both_first_states(m, x, static):
    start = torch.tanh(m.h(static))[None], m.c(static)[None]
    return m.fc(m.rnn(x, start)[0][:, -1])


@idiom(same(rnn=lambda: lstm(5), e=lambda: nn.Embedding(5, 2)), x=X, kind=((), 5))
def category_at_every_step(m, x, kind):
    rows = m.e(kind).unsqueeze(1).expand(-1, x.size(1), -1)
    return m.fc(last(m, torch.cat([x, rows], 2)))


@idiom(same(e=lambda: nn.Embedding(5, 4)), x=X, kind=((), 5))
def category_as_first_state(m, x, kind):
    start = m.e(kind).unsqueeze(0)
    return m.fc(m.rnn(x, (start, torch.zeros_like(start)))[0][:, -1])


@idiom(same(e=lambda: nn.Embedding(5, 2), fc=lambda: nn.Linear(6, 2)), x=X, kind=((), 5))
def category_at_the_head(m, x, kind):
    return m.fc(torch.cat([last(m, x), m.e(kind)], 1))


@idiom(same(s=lambda: nn.Linear(2, 4), g=lambda: nn.Linear(2, 4)), x=X, static=(2,))
def statics_joined_by_a_gate(m, x, static):
    return m.fc(last(m, x) * torch.sigmoid(m.g(static)) + m.s(static))


@idiom(same(gamma=lambda: nn.Linear(2, 4), beta=lambda: nn.Linear(2, 4)), x=X, static=(2,))
def states_scaled_and_shifted_by_statics(m, x, static):
    o = m.rnn(x)[0]
    return m.fc(((1 + m.gamma(static)[:, None]) * o + m.beta(static)[:, None]).mean(1))


@idiom(same(q=lambda: nn.Linear(2, 4)), x=X, static=(2,))
def statics_as_a_query(m, x, static):
    o = m.rnn(x)[0]
    share = torch.softmax(torch.bmm(o, m.q(static)[..., None]), 1)
    return m.fc((share * o).sum(1))


@idiom(same(w=lambda: nn.Linear(2, 3)), x=X, static=(2,))
def features_weighted_by_statics(m, x, static):
    return m.fc(last(m, x * torch.softmax(m.w(static), -1)[:, None, :]))


@idiom(
    same(w=lambda: nn.Linear(3, 3), up=lambda: nn.ModuleList([nn.Linear(1, 3) for _ in range(3)]))
)
def variables_selected_at_every_step(m, x):
    share = torch.softmax(m.w(x), -1).unsqueeze(-1)
    each = torch.stack([up(x[..., k : k + 1]) for k, up in enumerate(m.up)], 2)
    return m.fc(last(m, (share * F.elu(each)).sum(2)))


@idiom(same(day=lambda: lstm(2), fc=lambda: nn.Linear(8, 2)), x=(8, 3), days=(5, 2))
def two_sequences_of_two_lengths(m, x, days):
    return m.fc(torch.cat([last(m, x), m.day(days)[0][:, -1]], 1))


@idiom(
    same(rnn=lambda: lstm(7), hour=lambda: nn.Embedding(24, 3), day=lambda: nn.Embedding(7, 1)),
    x=X,
    hour=((STEPS,), 24),
    day=((STEPS,), 7),
)
def hours_and_weekdays_as_tokens(m, x, hour, day):
    return m.fc(last(m, torch.cat([x, m.hour(hour), m.day(day)], -1)))


@idiom(same(rnn=lambda: lstm(10)), x=X, day=((STEPS,), 7))
def weekdays_one_hot(m, x, day):
    return m.fc(last(m, torch.cat([x, F.one_hot(day, 7).to(x.dtype)], -1)))


@idiom(same(dec=lambda: lstm(2)), x=X, future=(4, 2))
def future_decoded_from_the_states(m, x, future):
    return m.fc(m.dec(future, m.rnn(x)[1])[0])


@idiom(same(dec=lambda: lstm(6)), x=X, future=(4, 2))
def future_beside_the_repeated_state(m, x, future):
    repeated = last(m, x).unsqueeze(1).repeat(1, future.size(1), 1)
    return m.fc(m.dec(torch.cat([repeated, future], -1))[0])


@idiom(
    same(
        cell=lambda: nn.GRUCell(3, 4),
        rnn=lambda: nn.GRU(3, 4, batch_first=True),
        fc=lambda: nn.Linear(4, 1),
    ),
    x=X,
    future=(4, 2),
)
def future_fed_beside_the_forecast(m, x, future):
    h, y, made = m.rnn(x)[1][0], x[:, -1, :1], []
    for k in range(future.size(1)):
        h = m.cell(torch.cat([y, future[:, k]], 1), h)
        y = m.fc(h)
        made.append(y)
    return torch.stack(made, 1)


@idiom(
    same(dec=lambda: lstm(2), q=lambda: nn.Linear(4, 4), both=lambda: nn.Linear(8, 2)),
    x=X,
    future=(4, 2),
)
def every_future_step_attends_to_the_past(m, x, future):
    o, state = m.rnn(x)
    d = m.dec(future, state)[0]
    share = torch.softmax(m.q(d) @ o.mT, -1)
    return m.both(torch.cat([d, share @ o], -1))


@idiom(
    same(
        rnn=lambda: lstm(5),
        s=lambda: nn.Linear(2, 2),
        h=lambda: nn.Linear(2, 4),
        fc=lambda: nn.Linear(6, 2),
    ),
    x=X,
    static=(2,),
)
def statics_in_all_three_places(m, x, static):
    z = torch.tanh(m.s(static))
    seen = torch.cat([x, z[:, None].expand(-1, x.size(1), -1)], -1)
    start = m.h(static)[None].contiguous()
    return m.fc(torch.cat([m.rnn(seen, (start, start))[0][:, -1], z], 1))


@idiom(same(other=lstm, fc=lambda: nn.Linear(8, 2)), x=X, static=(2,), mask=X)
def gaps_marked_by_a_mask(m, x, static, mask):
    known = x * mask + (1 - mask) * static.mean(1)[:, None, None]
    return m.fc(torch.cat([last(m, known), m.other(mask)[0][:, -1]], 1))


@idiom(
    same(rnn=lambda: lstm(4), fc=lambda: nn.Linear(5, 1)), x=X, price=(1,), temperature=(STEPS, 1)
)
def one_number_a_window_beside_two_sequences(m, x, price, temperature):
    return m.fc(torch.cat([last(m, torch.cat([x, temperature], 2)), price], 1))


@idiom(same(dec=lambda: lstm(2), fc=lambda: nn.Linear(4, 1)), x=X, future=(4, 2), static=(4,))
def statics_added_to_the_states_handed_over(m, x, future, static):
    h, c = m.rnn(x)[1]
    return m.fc(m.dec(future, (h + static[None], c * torch.sigmoid(static)[None]))[0])


@idiom(same(rnn=lambda: nn.GRU(3, 4), fc=lambda: nn.Linear(6, 1)), x=X, static=(2,))
def statics_joined_to_every_state(m, x, static):
    o = m.rnn(x.transpose(0, 1))[0].transpose(0, 1)
    return m.fc(torch.cat([o, static.unsqueeze(1).repeat(1, o.shape[1], 1)], -1))
