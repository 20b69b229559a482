"""What is done to windows before the recurrent layer, and undone after it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from torch_idioms.registry import idiom, lstm, same


def last(m, x):
    return m.rnn(x)[0][:, -1]


@idiom(same())
def growth_of_logarithms(m, x):
    level = torch.log(x.abs() + 1)
    return torch.exp(m.fc(last(m, level.diff(dim=1))) + level[:, -1, :2]) - 1


@idiom(same())
def second_differences(m, x):
    first = x[:, 1:] - x[:, :-1]
    return m.fc(last(m, first[:, 1:] - first[:, :-1])) + x[:, -1, :2] + first[:, -1, :2]


@idiom(same())
def scaled_between_extremes(m, x):
    low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
    spread = high - low + 1e-3
    return m.fc(last(m, (x - low) / spread)) * spread[:, 0, :2] + low[:, 0, :2]


@idiom(same())
def newest_taken_away_and_added_back(m, x):
    newest = x[:, -1:].detach()
    return m.fc(last(m, x - newest)) + newest.squeeze(1)[:, :2]


@idiom(same(trend=lambda: nn.Linear(3, 2)))
def trend_and_season_apart(m, x):
    padded = F.pad(x.mT, (1, 1), mode="replicate")
    trend = F.avg_pool1d(padded, 3, stride=1).mT
    return m.fc(last(m, x - trend)) + m.trend(trend[:, -1])


@idiom(same())
def trend_padded_by_repeated_ends(m, x):
    padded = torch.cat([x[:, :1], x, x[:, -1:]], 1)
    trend = F.avg_pool1d(padded.permute(0, 2, 1), 3, 1).permute(0, 2, 1)
    return m.fc(last(m, x - trend)) + trend[:, -1, :2]


@idiom(same())
def power_transform_and_back(m, x):
    level = ((x.abs() + 1) ** 0.3 - 1) / 0.3
    return (F.relu(m.fc(last(m, level))) * 0.3 + 1) ** (1 / 0.3) - 1


@idiom(same())
def inverse_hyperbolic_sine(m, x):
    return torch.sinh(m.fc(last(m, torch.asinh(x))))


@idiom(same())
def outliers_cut_off(m, x):
    return m.fc(last(m, x.clip(-1.5, 1.5))).relu()


@idiom(same(), refused="aten.median.dim")
def median_taken_away(m, x):
    middle = x.median(1, keepdim=True).values
    return m.fc(last(m, x - middle)) + middle[:, 0, :2]


@idiom(same(), refused="aten.sort")
def largest_states(m, x):
    return m.fc(m.rnn(x)[0].sort(1, descending=True).values[:, 0])


@idiom(same(), refused="aten.fft_rfft")
def spectrum(m, x):
    return m.fc(last(m, x)) + torch.fft.rfft(x, dim=1).abs()[:, 1, :2]


@idiom(same())
def line_taken_away(m, x):
    t = torch.linspace(-1, 1, x.size(1), dtype=x.dtype)[:, None]
    slope = (x * t).sum(1, keepdim=True) / (t * t).sum()
    return m.fc(last(m, x - slope * t - x.mean(1, keepdim=True))) + slope[:, 0, :2]


@idiom(same(norm=lambda: nn.InstanceNorm1d(3, affine=True)))
def instance_norm(m, x):
    return m.fc(last(m, m.norm(x.mT).mT))


@idiom(same(norm=lambda: nn.GroupNorm(2, 4)))
def group_norm_of_the_state(m, x):
    return m.fc(m.norm(last(m, x)))


@idiom(same(norm=lambda: nn.BatchNorm1d(3)))
def batch_norm_of_the_features(m, x):
    return m.fc(last(m, m.norm(x.transpose(1, 2)).transpose(1, 2)))


@idiom(same(before=lambda: nn.LayerNorm(3), after=lambda: nn.LayerNorm(4)))
def layer_norms_before_and_after(m, x):
    return m.fc(m.after(m.rnn(m.before(x))[0])[:, -1])


@idiom(
    same(
        front=lambda: nn.Sequential(
            nn.Conv1d(3, 3, 2), nn.BatchNorm1d(3), nn.ReLU(), nn.MaxPool1d(2)
        )
    )
)
def convolution_norm_and_pool(m, x):
    return m.fc(last(m, m.front(x.mT).mT))


@idiom(same(front=lambda: nn.Conv2d(1, 3, (2, 3))), refused="aten.conv2d")
def image_of_steps_and_features(m, x):
    return m.fc(last(m, torch.relu(m.front(x.unsqueeze(1))).squeeze(3).transpose(1, 2)))


@idiom(same(a=lambda: nn.Conv1d(3, 3, 2), b=lambda: nn.Conv1d(3, 3, 2)))
def gated_causal_convolution(m, x):
    padded = F.pad(x.mT, (1, 0))
    return m.fc(last(m, x + (torch.tanh(m.a(padded)) * torch.sigmoid(m.b(padded))).mT))


@idiom(same(one=lambda: nn.Conv1d(3, 3, 2, dilation=1), two=lambda: nn.Conv1d(3, 3, 2, dilation=2)))
def dilated_convolutions(m, x):
    y = x.mT
    y = y + F.relu(m.one(F.pad(y, (1, 0))))
    y = y + F.relu(m.two(F.pad(y, (2, 0))))
    return m.fc(last(m, y.mT))


@idiom(
    same(depth=lambda: nn.Conv1d(3, 3, 3, groups=3, padding=1), point=lambda: nn.Conv1d(3, 3, 1))
)
def separable_convolution(m, x):
    return m.fc(last(m, m.point(F.silu(m.depth(x.mT))).mT))


@idiom(
    same(
        rnn=lambda: lstm(6),
        k1=lambda: nn.Conv1d(3, 2, 1),
        k3=lambda: nn.Conv1d(3, 2, 3, padding="same"),
        k5=lambda: nn.Conv1d(3, 2, 5, padding="same"),
    )
)
def convolutions_of_several_widths(m, x):
    return m.fc(last(m, torch.cat([k(x.mT) for k in (m.k1, m.k3, m.k5)], 1).mT))


@idiom(same(front=lambda: nn.Conv1d(3, 6, 3, padding=1), rnn=lambda: lstm(3)))
def gated_linear_convolution(m, x):
    return m.fc(last(m, F.glu(m.front(x.mT), 1).mT))


@idiom(same(rnn=lambda: lstm(9)))
def sliding_windows(m, x):
    return m.fc(last(m, x.unfold(1, 3, 1).flatten(2)))


@idiom(same(up=lambda: nn.ConvTranspose1d(3, 3, 2, stride=2)), refused="aten.conv_transpose1d")
def steps_made_more(m, x):
    return m.fc(last(m, m.up(x.mT).mT))
