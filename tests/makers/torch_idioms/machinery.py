"""What stands around code: hooks, functional calls, parametrisations, containers."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call
from torch.nn.utils import parametrizations, parametrize
from torch.utils.checkpoint import checkpoint

from torch_idioms.registry import IDIOMS, Idiom, idiom, lstm, same


def last(m, x):
    return m.rnn(x)[0][:, -1]


def hooked() -> dict[str, nn.Module]:
    layers = same()()
    layers["fc"].register_forward_hook(lambda module, given, made: 2.0 * made + 1.0)
    layers["rnn"].register_forward_pre_hook(lambda module, given: (given[0] * 0.5,))
    return layers


@idiom(hooked)
def hooks_before_and_after(m, x):
    return m.fc(last(m, x))


@idiom(same())
def call_with_other_weights(m, x):
    weights = {name: 0.5 * one for name, one in m.fc.named_parameters()}
    return functional_call(m.fc, weights, (last(m, x),))


class Doubled(nn.Module):
    """A weight twice as large as its parameter."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


def parametrised(layer: nn.Module, name: str) -> nn.Module:
    parametrize.register_parametrization(layer, name, Doubled())
    return layer


@idiom(same(fc=lambda: parametrised(nn.Linear(4, 2), "weight")))
def parametrised_head(m, x):
    return m.fc(last(m, x))


@idiom(same(rnn=lambda: parametrised(lstm(), "weight_hh_l0")))
def parametrised_recurrence(m, x):
    return m.fc(last(m, x))


@idiom(same(fc=lambda: parametrizations.weight_norm(nn.Linear(4, 2))))
def head_by_size_and_direction(m, x):
    return m.fc(last(m, x))


@idiom(same(e=lambda: nn.Embedding(7, 3)), tokens=((6,), 7))
def output_tied_to_the_embedding(m, tokens):
    return F.linear(last(m, m.e(tokens))[:, :3], m.e.weight)


class Last(nn.Module):
    """The newest step of what a layer gives beside its states."""

    def forward(self, given: tuple[torch.Tensor, object]) -> torch.Tensor:
        return given[0][:, -1]


IDIOMS["layers in a row with a step of its own"] = Idiom(
    lambda: nn.Sequential(lstm(), Last(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1)),
    {"input": (6, 3)},
)


@idiom(same())
def segment_kept_to_be_computed_again(m, x):
    return m.fc(checkpoint(lambda given: m.rnn(given)[0], x, use_reentrant=False)[:, -1])


@idiom(same())
def without_gradients_in_part(m, x):
    with torch.no_grad():
        level = x.mean(1, keepdim=True)
    return m.fc(last(m, x - level)) + level[:, 0, :2].detach()


@idiom(same())
def context_of_precision(m, x):
    with torch.autocast("cpu", enabled=False):
        return m.fc(last(m, x))


def frozen() -> dict[str, nn.Module]:
    layers = same()()
    layers["teacher"] = copy.deepcopy(layers["rnn"]).requires_grad_(False)
    return layers


@idiom(frozen)
def frozen_copy_beside_it(m, x):
    return m.fc(last(m, x) - m.teacher(x)[0][:, -1])


@idiom(same(drop=lambda: nn.AlphaDropout(0.2), same=nn.Identity, rr=nn.RReLU))
def layers_that_do_nothing_when_they_predict(m, x):
    return m.fc(m.same(m.drop(m.rr(last(m, x)))))


@idiom(same())
def assertions_and_a_look_at_shapes(m, x):
    assert x.dim() == 3 and x.shape[-1] == 3
    torch._assert(x.size(1) > 0, "no steps")
    batch, steps, _ = x.shape
    return m.fc(m.rnn(x)[0].reshape(batch, steps, -1)[:, steps - 1])


class Twice(torch.autograd.Function):
    """A function with a gradient of its own."""

    @staticmethod
    def forward(ctx, given):
        return given * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


@idiom(same())
def function_with_its_own_gradient(m, x):
    return m.fc(Twice.apply(last(m, x)))


@idiom(same(), refused="lazy_load_decompositions")
def mapped_over_the_samples(m, x):
    return torch.vmap(lambda h: h @ m.fc.weight.T + m.fc.bias)(last(m, x))


@idiom(
    same(
        parts=lambda: nn.ParameterDict({
            "a": nn.Parameter(torch.ones(4)),
            "b": nn.Parameter(torch.ones(2)),
        })
    )
)
def parameters_in_a_dictionary(m, x):
    return m.fc(last(m, x) * m.parts["a"]) + m.parts["b"]


@idiom(same(table=lambda: nn.Parameter(torch.ones(6, 3))))
def learned_place_of_each_step(m, x):
    return m.fc(last(m, x + m.table))


@idiom(
    same(rnn=lambda: torch.jit.script(nn.Linear(3, 4)), g=lambda: nn.GRU(4, 4, batch_first=True)),
    refused="TorchScript or holds some",
)
def scripted_part(m, x):
    return m.fc(m.g(m.rnn(x))[0][:, -1])
