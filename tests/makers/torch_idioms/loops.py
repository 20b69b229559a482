"""Loops: forecasts that are fed back, and cells whose steps are written out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from torch_idioms.registry import idiom, lstm, same


def gru(features: int = 3) -> nn.GRU:
    return nn.GRU(features, 4, batch_first=True)


#: What is walked step by step as it is read: fewer steps are followed in less time.
SHORT = (4, 3)
ONE = same(fc=lambda: nn.Linear(4, 1))
CELL = same(w=lambda: nn.Linear(3, 8), u=lambda: nn.Linear(4, 8, bias=False))


@idiom(same(dec=lambda: lstm(1), fc=lambda: nn.Linear(4, 1)))
def layer_called_one_step_at_a_time(m, x):
    state, y, made = m.rnn(x)[1], x[:, -1:, :1], []
    for _ in range(3):
        o, state = m.dec(y, state)
        y = m.fc(o)
        made.append(y)
    return torch.cat(made, 1)


@idiom(same(rnn=lambda: lstm(1), fc=lambda: nn.Linear(4, 1)), x=(6, 1))
def same_layer_encodes_and_goes_on(m, x):
    o, state = m.rnn(x)
    y = m.fc(o[:, -1:])
    made = [y]
    for _ in range(2):
        o, state = m.rnn(y, state)
        y = y + m.fc(o)
        made.append(y)
    return torch.cat(made, 1).squeeze(-1)


@idiom(same(rnn=lambda: lstm(3), fc=lambda: nn.Linear(4, 3)))
def window_moves_on_by_its_forecast(m, x):
    made = []
    for _ in range(3):
        y = m.fc(m.rnn(x)[0][:, -1])
        made.append(y)
        x = torch.cat([x[:, 1:], y.unsqueeze(1)], 1)
    return torch.stack(made, 1)


@idiom(
    same(
        rnn=gru,
        cell=lambda: nn.GRUCell(5, 4),
        a=lambda: nn.Linear(8, 4),
        v=lambda: nn.Linear(4, 1),
        fc=lambda: nn.Linear(4, 1),
    )
)
def decoder_that_attends_at_every_step(m, x):
    o, h = m.rnn(x)
    h, y, made = h[0], x[:, -1, :1], []
    for _ in range(3):
        query = h.unsqueeze(1).expand(-1, o.size(1), -1)
        share = torch.softmax(m.v(torch.tanh(m.a(torch.cat([o, query], -1)))), 1)
        h = m.cell(torch.cat([(share * o).sum(1), y], 1), h)
        y = m.fc(h)
        made.append(y)
    return torch.cat(made, 1)


@idiom(same(cell=lambda: nn.LSTMCell(3, 4), fc=lambda: nn.Linear(4, 1)))
def horizon_one_hot_for_a_cell(m, x):
    h, c = (one[0] for one in m.rnn(x)[1])
    made = []
    for k in torch.eye(3, dtype=x.dtype):
        h, c = m.cell(k.expand(x.size(0), -1), (h, c))
        made.append(m.fc(h))
    return torch.cat(made, 1)


@idiom(same(cell=lambda: nn.LSTMCell(3, 4)))
def all_states_of_a_cell_pooled(m, x):
    h = c = torch.zeros(x.size(0), 4, dtype=x.dtype)
    kept = []
    for step in x.unbind(1):
        h, c = m.cell(step, (h, c))
        kept.append(h)
    return m.fc(torch.stack(kept, 1).max(1).values)


@idiom(
    same(one=lambda: nn.LSTMCell(3, 4), two=lambda: nn.LSTMCell(3, 4), fc=lambda: nn.Linear(8, 2))
)
def two_cells_in_two_directions(m, x):
    a = b = None
    for k in range(x.size(1)):
        a = m.one(x[:, k], a)
        b = m.two(x[:, -1 - k], b)
    return m.fc(torch.cat([a[0], b[0]], 1))


@idiom(same(one=lambda: nn.GRUCell(3, 4), two=lambda: nn.GRUCell(4, 4)), x=SHORT)
def cells_with_a_residual_between(m, x):
    a = b = x.new_zeros(x.size(0), 4)
    for step in x.split(1, 1):
        a = m.one(step.squeeze(1), a)
        b = m.two(a, b)
    return m.fc(a + b)


@idiom(CELL)
def pooling_of_gated_sums(m, x):
    """A quasi-recurrent layer with f-pooling."""
    c = x.new_zeros(x.size(0), 4)
    z, f = m.w(x).chunk(2, -1)
    for k in range(x.size(1)):
        g = torch.sigmoid(f[:, k])
        c = g * c + (1 - g) * torch.tanh(z[:, k])
    return m.fc(c)


@idiom(same(cell=lambda: nn.GRUCell(3, 4)), x=SHORT)
def state_of_two_steps_before(m, x):
    """A dilated recurrence: each step follows on the one before the last."""
    states = [x.new_zeros(x.size(0), 4), x.new_zeros(x.size(0), 4)]
    for k in range(x.size(1)):
        states.append(m.cell(x[:, k], states[-2]))
    return m.fc(states[-1])


@idiom(same(fast=lambda: nn.RNNCell(3, 4), slow=lambda: nn.RNNCell(4, 4)), x=SHORT)
def slow_cell_every_other_step(m, x):
    f = s = x.new_zeros(x.size(0), 4)
    for k in range(x.size(1)):
        f = m.fast(x[:, k], f)
        if k % 2:
            s = m.slow(f, s)
    return m.fc(f + s)


@idiom(same(cell=lambda: nn.LSTMCell(3, 4), d=lambda: nn.Linear(1, 4)), x=SHORT)
def memory_that_fades_with_the_gap(m, x):
    """A time-aware LSTM: what is kept over a gap depends on how long it was."""
    h = c = x.new_zeros(x.size(0), 4)
    for k in range(x.size(1)):
        fade = torch.exp(-F.relu(m.d(x[:, k, -1:])))
        h, c = m.cell(x[:, k], (h, c * fade))
    return m.fc(h)


@idiom(same(cell=lambda: nn.GRUCell(3, 4), d=lambda: nn.Linear(3, 4)), x=SHORT, mask=SHORT)
def inputs_that_fade_where_missing(m, x, mask):
    """A GRU-D: the last value that was known, fading."""
    h = x.new_zeros(x.size(0), 4)
    held = x[:, 0]
    for k in range(x.size(1)):
        held = mask[:, k] * x[:, k] + (1 - mask[:, k]) * held
        h = m.cell(held, h * torch.exp(-F.relu(m.d(1 - mask[:, k]))))
    return m.fc(h)


@idiom(same(cell=lambda: nn.LSTMCell(3, 4)), x=SHORT)
def old_state_mixed_in_as_zoneout_predicts(m, x):
    h = c = x.new_zeros(x.size(0), 4)
    for k in range(x.size(1)):
        a, b = m.cell(x[:, k], (h, c))
        h, c = 0.1 * h + 0.9 * a, 0.2 * c + 0.8 * b
    return m.fc(h)


@idiom(CELL)
def small_steps_of_an_equation(m, x):
    h = x.new_zeros(x.size(0), 4)
    for k in range(x.size(1)):
        g, z = (m.w(x[:, k]) + m.u(h)).chunk(2, -1)
        h = h + 0.1 * (torch.tanh(z) * torch.sigmoid(g) - h)
    return m.fc(h)


@idiom(same(a=lambda: nn.Parameter(torch.ones(4)), b=lambda: nn.Linear(3, 4, bias=False)))
def linear_states(m, x):
    """A diagonal state-space layer, before a GRU-like gate."""
    s = x.new_zeros(x.size(0), 4)
    kept = []
    for k in range(x.size(1)):
        s = torch.sigmoid(m.a) * s + m.b(x[:, k])
        kept.append(s)
    o = torch.stack(kept, 1)
    return m.fc((o * torch.sigmoid(o))[:, -1])


@idiom(same(w=lambda: nn.Linear(3, 16), u=lambda: nn.Linear(4, 16, bias=False)))
def exponential_gates_with_a_normaliser(m, x):
    h = c = x.new_zeros(x.size(0), 4)
    n = x.new_ones(x.size(0), 4)
    for k in range(x.size(1)):
        i, f, z, o = (m.w(x[:, k]) + m.u(h)).chunk(4, -1)
        i, f = torch.exp(i), torch.sigmoid(f)
        c = f * c + i * torch.tanh(z)
        n = f * n + i
        h = torch.sigmoid(o) * c / n
    return m.fc(h)


@idiom(same(cell=lambda: nn.LSTMCell(3, 4), a=lambda: nn.Linear(7, 3)), x=SHORT)
def features_weighted_by_the_state(m, x):
    h = c = x.new_zeros(x.size(0), 4)
    for k in range(x.size(1)):
        share = torch.softmax(m.a(torch.cat([h, x[:, k]], 1)), 1)
        h, c = m.cell(share * x[:, k], (h, c))
    return m.fc(h)


@idiom(same(cell=lambda: nn.LSTMCell(3, 4), p=lambda: nn.Linear(4, 4)), x=SHORT)
def state_clipped_at_every_step(m, x):
    h = c = x.new_zeros(x.size(0), 4)
    for k in range(x.size(1)):
        h, c = m.cell(x[:, k], (h, c))
        c = c.clamp(-0.3, 0.3)
    return m.fc(torch.relu(m.p(h)))
