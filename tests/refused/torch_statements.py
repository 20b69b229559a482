"""Statements of a state dict's layers that make no sense."""

from __future__ import annotations

from pathlib import Path

import torch

from refused.registry import section
from rnnlens.api import read
from torch_models import scrambled

case = section("Statements of layers")

STATE = scrambled(
    torch.nn.ModuleDict({
        "a": torch.nn.LSTM(3, 4),
        "b": torch.nn.GRU(4, 4),
        "both": torch.nn.GRU(4, 3, 1, True, bidirectional=True),
        "emb": torch.nn.Embedding(5, 3),
        "fc": torch.nn.Linear(4, 2),
        "wide": torch.nn.Linear(5, 2),
        "ln": torch.nn.LayerNorm(4),
    })
).state_dict()
STATE |= {"conv.weight": torch.ones(2, 4, 3), "odd.weight": torch.ones(2, 4)}
STATE |= {"odd.bias": torch.ones(3)}
STATE |= {"crooked.weight": torch.ones(2, 4, 3), "crooked.bias": torch.ones(3)}

#: The statement, by what is wrong with it.
STATEMENTS = {
    "letters out of place": "LSTM ; Linear(fc)",
    "words out of place": "LSTM(a) > fc fc",
    "nothing behind an arrow": "LSTM(a) >",
    "too deep": "LSTM > " + "[" * 50 + "last",
    "begins with no width": "[relu, tanh] > concat > LSTM(a)",
    "tokens after something": "Dropout > Embedding(emb) > LSTM(a)",
    "convolution without steps": "LSTM(a) > last > Conv1d(conv)",
    "convolution of two axes": "LSTM(a) > Conv1d(fc)",
    "convolution whose bias does not fit": "LSTM(a) > Conv1d(crooked)",
    "convolution of another width": "LSTM(a) > Conv1d(conv, groups=2)",
    "convolution padded otherwise": "LSTM(a) > Conv1d(conv, padding=7)",
    "pool of no size": "LSTM(a) > MaxPool1d",
    "pool with another option": "LSTM(a) > AvgPool1d(2, padding=1)",
    "no recurrent layer": "Embedding(emb) > last",
    "layer that is not known": "LSTM(a) > wavelet",
    "layer that is not there": "LSTM(a) > Linear(out)",
    "linear layer without a name": "LSTM(a) > Linear",
    "linear layer of another width": "LSTM(a) > Linear(wide)",
    "linear layer of three axes": "LSTM(a) > Linear(conv)",
    "linear layer whose bias does not fit": "LSTM(a) > Linear(odd)",
    "name with brackets": "LSTM(a) > fc(3)",
    "embedding of three axes": "Embedding(conv) > LSTM(a)",
    "norm of another width": "LSTM(a) > Linear(fc) > LayerNorm(ln)",
    "norm with another option": "LSTM(a) > LayerNorm(ln, eps=large)",
    "activation with a number": "LSTM(a) > relu(3)",
    "recurrent layer not clear": "GRU > Linear(fc)",
    "recurrent layer of another kind": "GRU(a) > Linear(fc)",
    "recurrent layer with another option": "LSTM(a) > GRU(b, tanh, relu)",
    "recurrent layer of another width": "GRU(b) > LSTM(a)",
    "both directions, and not what is taken": "LSTM(a) > GRU(both) > relu",
    "steps of no steps": "LSTM(a) > last > last",
    "last states of no recurrent layer": "LSTM(a) > every > final",
    "branches after branches": "LSTM(a) > [last, mean] > [relu, tanh]",
    "branches that are not joined within": "LSTM(a) > [last > [relu, tanh], mean] > concat",
    "branches that nothing joins": "LSTM(a) > [last, mean] > relu",
    "one branch": "LSTM(a) > concat",
    "branches with steps and without": "LSTM(a) > [every, mean] > add",
    "branches of different widths": "LSTM(a) > [last, Linear(fc)] > add",
}

for name, text in STATEMENTS.items():

    @case(name)
    def _(_: Path, text: str = text) -> object:
        return read(STATE, layers=text)
