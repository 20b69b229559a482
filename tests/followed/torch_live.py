"""Advice about live modules of PyTorch and their state dicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import rnnlens
from followed.registry import advice
from refused.torch_modules import EXAMPLE, Code, gru, module, packed
from rnnlens.errors import UnsupportedModel
from torch_models import scrambled

LIVE = "Live modules of PyTorch"
BETWEEN = "Live modules of PyTorch, between layers"
STATES = "State dicts of PyTorch"

#: Code that does what the refusal of another advises.
CODES: dict[tuple[str, str], tuple[Code, dict[str, nn.Module]]] = {
    (f"{LIVE}: output that is fixed", "give the outputs that do alone"): (lambda m, x: x * 2, {}),
    (f"{LIVE}: output of merged steps", "let it give (sample, step, ...)"): (
        lambda m, x: (x.reshape(-1, 3) * 2).reshape(x.shape),
        {},
    ),
    (
        f"{LIVE}: another path for one number of samples",
        "give an example with its batch axis, and let the code take the number of samples from its",
    ): (lambda m, x: torch.cat([x, torch.ones(x.size(0), 1, 3, dtype=x.dtype)], 1), {}),
    (
        f"{LIVE}: condition on data",
        "read its state dict instead, or make the code plain",
    ): (lambda m, x: torch.where(x > 0, x, -x), {}),
    (
        f"{LIVE}: packed sequences padded with another number",
        "leave padding_value out, or read the final state",
    ): (packed, {"rnn": gru()}),
    (f"{BETWEEN}: NaN chosen", "leave out what is to be left out"): (
        lambda m, x: torch.where(x > 0, 0.0, x).sum(1),
        {},
    ),
    (f"{BETWEEN}: NaN beside data", "leave out what it marks"): (lambda m, x: x.mean(1), {}),
    (f"{BETWEEN}: infinity added", "leave out what is left out"): (
        lambda m, x: x[..., [0, 2]].amax(-1),
        {},
    ),
    (f"{BETWEEN}: where the largest stands", "let it use the value alone"): (
        lambda m, x: x.max(1)[0],
        {},
    ),
    (f"{BETWEEN}: part of an empty tensor", "make it by torch.zeros, or write all of it"): (
        lambda m, x: _halves(x),
        {},
    ),
}


def _halves(x: torch.Tensor) -> torch.Tensor:
    zeros = torch.zeros(x.size(0), 2, 3, dtype=x.dtype)
    zeros[:, 0] = x[:, 0]
    whole = torch.empty(x.size(0), 2, 3, dtype=x.dtype)
    whole[:, 0], whole[:, 1] = x[:, 0], x[:, 1]
    return zeros + whole


def agree(network: Any, made: nn.Module, example: Any = EXAMPLE) -> None:
    """Both are in double precision, and differ by rounding alone."""
    with torch.no_grad():
        theirs = made(torch.as_tensor(example)).numpy()
    np.testing.assert_allclose(rnnlens.predict(network, example), theirs, rtol=0, atol=1e-12)


for (case, words), (code, layers) in CODES.items():

    @advice(case, words)
    def _(_: Path, code: Code = code, layers: dict[str, nn.Module] = layers) -> None:
        made = module(code, **layers)
        agree(rnnlens.read(made, example=EXAMPLE), made)


@advice(f"{LIVE}: packed sequences padded to more steps", "give an example of that many steps")
def _(_: Path) -> None:
    longer = np.concatenate([EXAMPLE, EXAMPLE[:, :3]], 1)
    made = module(lambda m, x: packed(m, x, total_length=9), rnn=gru())
    agree(rnnlens.read(made, example=longer), made, longer)


@advice(
    f"{LIVE}: example without a batch axis",
    "give example=x[None], and if it is a batch, let the code hand the layer every step",
)
def _(_: Path) -> None:
    made = module(lambda m, x: m.rnn(x)[0], rnn=gru())
    agree(rnnlens.read(made, example=EXAMPLE[:1]), made)  # the window that it was, with its axis


@advice(
    f"{LIVE}: example without a batch axis, steps first",
    "give example=x[:, None], and if it is a batch, let the code hand the layer every step",
)
def _(_: Path) -> None:
    steps_first = nn.GRU(3, 4)
    made = module(lambda m, x: m.rnn(x)[0], rnn=steps_first)
    network = rnnlens.read(made, example=EXAMPLE[0][:, None])
    with torch.no_grad():
        theirs = made(torch.as_tensor(EXAMPLE).transpose(0, 1)).transpose(0, 1).numpy()
    np.testing.assert_allclose(rnnlens.predict(network, EXAMPLE), theirs, rtol=0, atol=1e-12)


@advice(f"{LIVE}: example of one number", "give input with an axis of samples")
def _(_: Path) -> None:
    made = module(lambda m, x: x[:, None] + 1)
    numbers = EXAMPLE[:, 0, 0]
    agree(rnnlens.read(made, example=numbers), made, numbers)


@advice(
    f"{LIVE}: module that cannot be copied", "give one that copy.deepcopy copies, or its state dict"
)
def _(_: Path) -> None:
    made = module(lambda m, x: m.rnn(x)[0], rnn=gru())
    agree(rnnlens.read(made, example=EXAMPLE), made)
    agree(rnnlens.read(made.state_dict(), layers="GRU > every"), made)


# --- state dicts ------------------------------------------------------------------------------


def forecaster(**options: Any) -> nn.Module:
    """An LSTM and a linear layer behind its last step."""
    width = 4 * (2 if options.get("bidirectional") else 1)
    layer = nn.LSTM(3, 4, batch_first=True, **options)
    return module(lambda m, x: m.fc(m.rnn(x)[0][:, -1]), rnn=layer, fc=nn.Linear(width, 2))


@advice(f"{STATES}: whole numbers", "save the model with plain float32 or float64 arrays")
def _(folder: Path) -> None:
    made = forecaster()
    torch.save(made.state_dict(), folder / "model.pt")
    agree(rnnlens.read(folder / "model.pt", layers="LSTM > Linear(fc)"), made)


@advice(
    f"{STATES}: array missing",
    "save the state dict of the plain module, without parametrizations",
)
@advice(
    f"{STATES}: parametrisation that is not known",
    "call torch.nn.utils.parametrize.remove_parametrizations on it and save its state dict again",
)
@advice(f"{STATES}: weight_norm that does not fit", "save the state dict of the plain module")
def _(folder: Path) -> None:
    class Doubled(nn.Module):
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return 2 * weight

    made = forecaster()
    parametrize = nn.utils.parametrize
    parametrize.register_parametrization(made.rnn, "weight_hh_l0", Doubled())
    theirs = made(torch.as_tensor(EXAMPLE)).detach().numpy()
    with pytest.raises(UnsupportedModel, match="remove_parametrizations"):
        rnnlens.read(made.state_dict(), layers="LSTM > Linear(fc)")
    parametrize.remove_parametrizations(made.rnn, "weight_hh_l0")
    torch.save(made.state_dict(), folder / "plain.pt")
    network = rnnlens.read(folder / "plain.pt", layers="LSTM > Linear(fc)")
    np.testing.assert_allclose(rnnlens.predict(network, EXAMPLE), theirs, rtol=0, atol=1e-12)


@advice(
    f"{STATES}: head after both directions",
    'say head="final > Linear(fc)" or head="last > Linear(fc)"',
)
def _(_: Path) -> None:
    made = forecaster(bidirectional=True)
    agree(rnnlens.read(made.state_dict(), head="last > Linear(fc)"), made)
    final = module(lambda m, x: m.fc(m.rnn(x)[1][0].transpose(0, 1).flatten(1)), rnn=made.rnn)
    final.fc = made.fc
    agree(rnnlens.read(final.state_dict(), head="final > Linear(fc)"), final)


@advice(
    f"{STATES}: nonlinearity not stated",
    'say nonlinearity="tanh" (what torch.nn.RNN does unless told otherwise) or nonlinearity="relu"',
)
def _(_: Path) -> None:
    for word in ("tanh", "relu"):
        layer = nn.RNN(3, 4, nonlinearity=word, batch_first=True)
        made = module(lambda m, x: m.rnn(x)[0][:, -1], rnn=layer)
        agree(rnnlens.read(made.state_dict(), nonlinearity=word), made)


@advice(f"{STATES}: head and layers", "give it alone")
def _(_: Path) -> None:
    made = forecaster()
    agree(rnnlens.read(made.state_dict(), layers="LSTM > Linear(fc)"), made)


@advice(
    "Programs of torch.export: an operation that is not known",
    "give the state dict of the model that was exported",
)
@advice(
    "PyTorch files: exported program",
    'of the model that was exported, torch.save(model.state_dict(), "weights.pt")',
)
def _(folder: Path) -> None:
    made = module(
        lambda m, x: m.fc(torch.linalg.qr(m.rnn(x)[0]).R[:, -1]), rnn=gru(), fc=nn.Linear(4, 2)
    )
    torch.save(made.state_dict(), folder / "weights.pt")
    network = rnnlens.read(folder / "weights.pt")
    plain = module(lambda m, x: m.rnn(x)[0][:, -1], rnn=made.rnn)
    agree(network, plain)  # its recurrent layer, to which the notes say what is added


@advice(
    "Programs of torch.export: two programs",
    "save the one that is meant in a file of its own with torch.export.save",
)
def _(folder: Path) -> None:
    made = module(lambda m, x: F.elu(x) * 2)
    shapes = ({0: torch.export.Dim.AUTO},)
    program = torch.export.export(made, (torch.as_tensor(EXAMPLE),), dynamic_shapes=shapes)
    torch.export.save(program, folder / "one.pt2")
    agree(rnnlens.read(folder / "one.pt2"), made)


@advice("JSON with PyTorch's names: rows of different lengths", "write each as array.tolist()")
def _(folder: Path) -> None:
    made = scrambled(nn.GRU(3, 4, batch_first=True).double())
    arrays = {name: array.tolist() for name, array in made.state_dict().items()}
    (folder / "model.json").write_text(json.dumps(arrays), encoding="utf-8")
    with torch.no_grad():
        theirs = made(torch.as_tensor(EXAMPLE))[0][:, -1].numpy()
    network = rnnlens.read(folder / "model.json")
    np.testing.assert_allclose(rnnlens.predict(network, EXAMPLE), theirs, rtol=0, atol=1e-12)
