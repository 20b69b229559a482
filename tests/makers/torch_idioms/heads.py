"""What the last state becomes: quantiles, distributions, mixtures, several tasks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from torch_idioms.registry import idiom, same


def last(m, x):
    return m.rnn(x)[0][:, -1]


@idiom(same(fc=lambda: nn.Linear(4, 4)))
def quantiles_by_running_sum(m, x):
    raw = m.fc(last(m, x))
    return torch.cumsum(torch.cat([raw[:, :1], F.softplus(raw[:, 1:])], 1), 1)


@idiom(same(fc=lambda: nn.Linear(4, 6)))
def horizons_by_quantiles(m, x):
    return m.fc(last(m, x)).view(-1, 3, 1, 2)


@idiom(same(mean=lambda: nn.Linear(4, 1), scale=lambda: nn.Linear(4, 1)))
def gaussian(m, x):
    h = last(m, x)
    return m.mean(h), torch.exp(0.5 * m.scale(h)).clamp(1e-3, 1e3)


@idiom(
    same(mix=lambda: nn.Linear(4, 2), mean=lambda: nn.Linear(4, 2), scale=lambda: nn.Linear(4, 2))
)
def mixture_of_gaussians(m, x):
    h = last(m, x)
    return torch.cat([m.mix(h).softmax(-1), m.mean(h), F.softplus(m.scale(h)) + 1e-4], -1)


@idiom(same(mix=lambda: nn.Linear(4, 2), mean=lambda: nn.Linear(4, 2)))
def mean_of_a_mixture(m, x):
    h = last(m, x)
    return (F.softmax(m.mix(h), -1) * m.mean(h)).sum(-1, keepdim=True)


@idiom(same(wet=lambda: nn.Linear(4, 1), amount=lambda: nn.Linear(4, 1)))
def hurdle_of_wet_and_amount(m, x):
    h = last(m, x)
    return torch.sigmoid(m.wet(h)) * F.softplus(m.amount(h))


@idiom(same(heads=lambda: nn.ModuleDict({"level": nn.Linear(4, 2), "rain": nn.Linear(4, 1)})))
def tasks_in_a_dictionary(m, x):
    h = last(m, x)
    return {name: head(h) for name, head in m.heads.items()}


@idiom(same(heads=lambda: nn.ModuleList([nn.Linear(4, 1) for _ in range(3)])))
def a_head_for_each_horizon(m, x):
    h = last(m, x)
    return torch.stack([head(h) for head in m.heads], 1)


@idiom(
    same(
        head=lambda: nn.Sequential(
            nn.Linear(4, 6), nn.LeakyReLU(), nn.Dropout(0.2), nn.Linear(6, 4)
        ),
        fc=lambda: nn.Linear(4, 2),
    )
)
def residual_head(m, x):
    h = last(m, x)
    return m.fc(h + m.head(h))


@idiom(
    same(
        gate=lambda: nn.Linear(4, 3),
        experts=lambda: nn.ModuleList([nn.Linear(4, 2) for _ in range(3)]),
    )
)
def mixture_of_experts(m, x):
    h = last(m, x)
    share = torch.softmax(m.gate(h), -1).unsqueeze(-1)
    return (share * torch.stack([one(h) for one in m.experts], 1)).sum(1)


@idiom(same(fc=lambda: nn.Linear(4, 4)))
def gated_linear_head(m, x):
    return F.glu(m.fc(last(m, x)), -1)


@idiom(same(fc=lambda: nn.Linear(4, 4)))
def largest_of_two_linear_heads(m, x):
    return m.fc(last(m, x)).view(-1, 2, 2).max(-1)[0]


@idiom(same(fc=lambda: nn.Linear(4, 3)))
def bounded_between_two_limits(m, x):
    return 2 + (9 - 2) * torch.sigmoid(m.fc(last(m, x)))


@idiom(same(basis=lambda: nn.Parameter(torch.ones(3, 5)), fc=lambda: nn.Linear(4, 3)))
def coefficients_of_a_basis(m, x):
    return (m.fc(last(m, x)) @ m.basis).unsqueeze(-1)


@idiom(same(drop=lambda: nn.Dropout1d(0.3), fc=lambda: nn.Linear(4, 2)))
def head_at_every_step(m, x):
    return m.fc(m.drop(m.rnn(x)[0]))


@idiom(same(bil=lambda: nn.Bilinear(4, 3, 2)))
def bilinear_head_of_state_and_newest(m, x):
    return m.bil(last(m, x), x[:, -1])


@idiom(same(fc=lambda: nn.Linear(4, 3)))
def shares_that_sum_to_the_newest(m, x):
    return torch.softmax(m.fc(last(m, x)), -1) * x[:, -1].sum(-1, keepdim=True)


@idiom(same(fc=lambda: nn.Linear(4, 3)))
def monotone_path_from_the_newest(m, x):
    return x[:, -1:, 0] + torch.cumsum(m.fc(last(m, x)).exp(), -1)


@idiom(same(fc=lambda: nn.Linear(4, 4)))
def normal_by_a_distribution(m, x):
    mean, scale = m.fc(last(m, x)).chunk(2, -1)
    return torch.distributions.Normal(mean, F.softplus(scale)).mean


@idiom(same(fc=lambda: nn.Linear(4, 3)), refused="aten.argmax")
def class_with_the_most(m, x):
    return F.one_hot(m.fc(last(m, x)).argmax(-1), 3).to(x.dtype)
