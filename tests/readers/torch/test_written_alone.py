"""Operations that write into a tensor which nothing else holds are the plain ones."""

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens
from rnnlens.errors import UnsupportedModel


class Written(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.lstm, self.fc, self.way = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 3), way

    def forward(self, x):
        return self.way(self, self.lstm(x)[0][:, -1])


def fresh(module, h):
    return module.fc(h) + h.data.new(h.shape[0], 3).zero_()


def activated(module, h):
    return module.fc(h).relu_()


def chained(module, h):
    return module.fc(h).add_(h).tanh_().mul_(2.0)


def seen_elsewhere(module, h):
    given = module.fc(h)
    before = given.tanh()
    given.relu_()
    return before + given


def viewed(module, h):
    given = module.fc(h)
    given[:, 1:].mul_(3.0)
    return given


def through_dropout(module, h):
    nn.functional.dropout(h, 0.3, training=False).mul_(2.0)  # dropout gives h itself
    return module.fc(h)


def through_several_dropouts(module, h):
    once = nn.functional.dropout(h, 0.3, training=False)
    nn.functional.alpha_dropout(once, 0.3, training=False).add_(0.5)
    return module.fc(once) + module.fc(h)


def through_an_identity_and_a_view(module, h):
    nn.Identity()(h)[:, :2].sub_(0.5)
    return module.fc(h)


def through_what_keeps_the_type(module, h):
    h.to(h.dtype).clamp_(-0.1, 0.1)
    return module.fc(h)


def to_a_copy(module, h):
    h.clone().mul_(3.0)
    return module.fc(h)


HANDED_ON = [through_dropout, through_several_dropouts, through_an_identity_and_a_view]
HANDED_ON += [through_what_keeps_the_type, to_a_copy]


@pytest.mark.parametrize("way", [fresh, activated, chained, seen_elsewhere, viewed, *HANDED_ON])
def test_what_is_written_in_place_is_what_the_code_gives(way):
    torch.manual_seed(3)
    module, x = Written(way).double().eval(), torch.randn(4, 5, 2, dtype=torch.float64)
    net = rnnlens.read(module, example=x)
    # the same sums in another order
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-12
    )


class Steps(Written):
    def forward(self, x):
        return self.way(self, self.lstm(x)[0])


def contiguous(module, steps):
    steps.contiguous().add_(1.0)  # a copy: a recurrent layer lays steps out before samples
    return module.fc(steps[:, -1])


def reshaped(module, steps):
    steps.reshape(-1, 3).add_(1.0)
    return module.fc(steps[:, -1])


def turned(module, steps):
    steps.transpose(0, 1).contiguous().add_(1.0)  # no copy: this is how they are laid out
    return module.fc(steps[:, -1])


@pytest.mark.parametrize("way", [contiguous, reshaped, turned])
def test_whether_a_layout_is_a_copy_is_told_as_pytorch_lays_steps_out(way):
    torch.manual_seed(3)
    module, x = Steps(way).double().eval(), torch.randn(4, 5, 2, dtype=torch.float64)
    net = rnnlens.read(module, example=x)
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-12
    )


class IntoItsInput(Written):
    def forward(self, x):
        return self.fc(self.lstm(self.way(x))[0][:, -1])


@pytest.mark.parametrize(
    "way", [lambda x: x.add_(1.0), lambda x: nn.functional.dropout(x, 0.5, training=False).mul_(2)]
)
def test_a_module_that_writes_into_its_input_leaves_the_example_and_the_windows_alone(way):
    torch.manual_seed(3)
    module, x = IntoItsInput(way).double().eval(), torch.randn(4, 5, 2, dtype=torch.float64)
    before, windows = x.clone(), x.numpy().copy()
    net = rnnlens.read(module, example=x)
    agreed = rnnlens.fidelity(net, module, windows)
    assert agreed.attrs["agrees"]
    assert torch.equal(x, before) and np.array_equal(windows, before.numpy())


def rounded_first(module, h):
    h.float().mul_(2.0)  # h itself in single precision, and a copy in double
    return module.fc(h)


def rounded_after(module, h):
    return module.fc(h * 2.0)


def test_what_is_written_cannot_always_be_told_and_the_advice_works():
    torch.manual_seed(3)
    module, x = Written(rounded_first).eval(), torch.randn(4, 5, 2)
    with pytest.raises(UnsupportedModel, match=r"writes into tensors in place, .* h = h \* 2"):
        rnnlens.read(module, example=x)
    module.way = rounded_after
    net = rnnlens.read(module, example=x)
    # the module computes in single precision
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-6
    )
    states = rnnlens.read(module.state_dict(), layers="LSTM > Linear(fc)")
    assert "lstm_l0" in [node.name for node in states.nodes]
