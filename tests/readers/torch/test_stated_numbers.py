"""How closely a module in single precision is held to what it computes in double."""

import pytest
import torch

from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.live import readings
from torch_models import Coded, agree, scrambled

LAYERS = {"rnn": lambda: torch.nn.LSTM(3, 4, batch_first=True)}


def started_by(make):
    """Make a module whose layer starts from numbers that the code makes."""
    return Coded(lambda m, x: m.rnn(x, (make(m, x), make(m, x)))[0][:, -1], **made())


def made():
    return {"rnn": LAYERS["rnn"](), "p": torch.nn.Parameter(torch.ones(4))}


EXACT = {
    "no numbers": lambda m, x: torch.zeros(1, x.size(0), 4),
    "a half": lambda m, x: torch.full((1, x.size(0), 4), 0.5),
    "a quarter as a tensor": lambda m, x: torch.ones(1, x.size(0), 4) * torch.tensor(0.25),
    "a weight": lambda m, x: m.p.expand(1, x.size(0), 4).contiguous(),
    "half a weight": lambda m, x: (0.5 * m.p).expand(1, x.size(0), 4).contiguous(),
}
ROUNDED = {
    "full": lambda m, x: torch.full((1, x.size(0), 4), 0.1),
    "full_like": lambda m, x: torch.full_like(x[:, 0, :1], 0.1).expand(-1, 4)[None].contiguous(),
    "new_full": lambda m, x: x.new_full((1, x.size(0), 4), 0.3),
    "tensor": lambda m, x: torch.ones(1, x.size(0), 4) * torch.tensor(0.7),
    "a weight squashed": lambda m, x: torch.sigmoid(m.p).expand(1, x.size(0), 4).contiguous(),
}


@pytest.mark.parametrize("name", EXACT | ROUNDED)
def test_numbers_of_the_code_widen_the_bound_where_single_precision_rounds_them(name, rng):
    module = scrambled(started_by((EXACT | ROUNDED)[name]))
    x = rng.normal(size=(4, 6, 3)).astype("float32")
    one = next(readings(module, ReadOptions(example=x)))
    _, bound = one.run(one.example)
    # 1e4 roundings of double precision, or 32 of single
    assert bound == pytest.approx(1e4 * 2.0**-52 if name in EXACT else 32 * 2.0**-23)


@pytest.mark.parametrize("name", ["full", "full_like", "new_full", "tensor"])
def test_numbers_that_code_states_in_single_precision_are_read(name, rng):
    module, x = scrambled(started_by(ROUNDED[name])), rng.normal(size=(4, 6, 3)).astype("float32")
    with torch.no_grad():
        agree(predict(read(module, example=x), x), module(torch.as_tensor(x)), "float32")
