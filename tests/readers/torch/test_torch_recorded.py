"""Records of calls give the networks that ``torch.export`` gives, or say that they cannot."""

import copy
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch._ops import _len_torch_dispatch_stack_pre_dispatch as modes_on

from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel
from rnnlens.readers.torch import live
from rnnlens.readers.torch.following.escapes import NotRecorded
from rnnlens.readers.torch.following.recording import graph_of_call
from rnnlens.readers.torch.signature.subject import subject_of
from torch_idioms import IDIOMS, Several
from torch_idioms.groups import GROUPS
from torch_models import Coded, agree, scrambled

pytestmark = pytest.mark.usefixtures("doubles")


def module(code, **layers):
    return scrambled(Coded(code, **layers).double())


def by_export(monkeypatch, model, example):
    """Read a module by ``torch.export`` alone."""

    def never(*_):
        raise NotRecorded("not asked")

    with monkeypatch.context() as patched:
        patched.setattr(live, "graph_of_call", never)
        return read(model, example=example)


def by_record(monkeypatch, model, example):
    """Read a module by records alone."""

    def never(*_):
        raise AssertionError("torch.export was asked")

    with monkeypatch.context() as patched:
        patched.setattr(live, "exported", never)
        return read(model, example=example)


def plainly(name):
    """Leave out the number that PyTorch gives an operation of a name that is taken."""
    return re.sub(r"_\d+", "", name)


def alike(one, other):
    """Compare two layers with all that is in them: exactly, for both hold the same arrays."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if hasattr(one, "__dataclass_fields__"):
        return all(alike(getattr(one, k), getattr(other, k)) for k in one.__dataclass_fields__)
    return one == other


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_every_idiom_is_read_by_record_as_by_export(names, rng, monkeypatch):
    idiom = IDIOMS[names[0]]
    model = scrambled(Several(names).double()) if len(names) > 1 else idiom.module()
    arrays = idiom.arrays(rng, 3)
    example = tuple(arrays.values())
    example = example if len(example) > 1 else example[0]
    ours, theirs = by_record(monkeypatch, model, example), by_export(monkeypatch, model, example)
    assert len(ours.nodes) == len(theirs.nodes)
    place = {node.name: k for k, node in enumerate(ours.nodes)}
    there = {node.name: k for k, node in enumerate(theirs.nodes)}
    for mine, other in zip(ours.nodes, theirs.nodes, strict=True):
        assert plainly(mine.name) == plainly(other.name)
        assert alike(mine.layer, other.layer), mine.name
        assert [(place[n], k) for n, k in mine.inputs] == [(there[n], k) for n, k in other.inputs]
        assert list(mine.sources) == list(other.sources)
    assert [place[n] for n, _ in ours.outputs] == [there[n] for n, _ in theirs.outputs]
    assert ours.origin == theirs.origin
    given = dict(zip(ours.inputs, arrays.values(), strict=True))
    np.testing.assert_array_equal(
        np.hstack([one.reshape(3, -1) for one in leaves(predict(ours, given))]),
        np.hstack([one.reshape(3, -1) for one in leaves(predict(theirs, given))]),
    )


def leaves(given):
    return given if isinstance(given, tuple) else (given,)


def last(m, x):
    return m.rnn(x)[0][:, -1]


#: Code by which numbers of the input reach what no operation of PyTorch shows: each gives a number.
ESCAPES = {
    "truth": lambda x: 1.0 if x.mean() > 0 else 2.0,
    "item": lambda x: x.mean().item(),
    "float": lambda x: float(x.mean()),
    "whole": lambda x: int(x.mean() * 100),
    "list": lambda x: x.mean(0).tolist()[0][0],
    "numpy": lambda x: x.detach().numpy().mean(),
    "as an array": lambda x: np.asarray(x.detach()).mean(),
    "data": lambda x: x.data.mean(),
    "memory": lambda x: float(x.untyped_storage()[0]),
    "another tensor": lambda x: torch.tensor(x.mean().detach().numpy()),
    "equal": lambda x: float(torch.equal(x[0], x[0] * 2)),
    "all close": lambda x: float(torch.allclose(x[0], x[-1])),
    "picked by yes and no": lambda x: x[x > 0].mean(),
    "masked": lambda x: x.masked_select(x > 0).mean(),
    "counted": lambda x: float(x.nonzero().shape[0]),
    "places by axis": lambda x: float(len((x > 0).nonzero(as_tuple=True)[0])),
    "kinds": lambda x: float(torch.unique(x.round()).shape[0]),
    "written out": lambda x: float(f"{x.mean():.3f}"),
    "within": lambda x: 1.0 if 0.5 in x else 2.0,
    "in NumPy's words": lambda x: np.tanh(x.detach()).mean(),
    "copied": lambda x: copy.deepcopy(x.detach()).mean(),
    "handed over": lambda x: torch.from_dlpack(x.detach()).mean(),
    "sorted in Python": lambda x: max(x[0, 0]),
    "chance": lambda x: torch.rand(1),
    "dropped": lambda x: nn.functional.dropout(x, 0.5, training=True).mean(),
}


@pytest.mark.parametrize("name", ESCAPES)
def test_what_numbers_decide_is_not_recorded(name):
    model = module(
        lambda m, x: m.fc(last(m, x)) * ESCAPES[name](x),
        rnn=nn.LSTM(3, 4, batch_first=True),
        fc=nn.Linear(4, 2),
    )
    # numbers that any count of samples has the same means of: no comparison of records would tell
    subject = subject_of(model, np.full((1, 6, 3), 0.5))
    with pytest.raises(NotRecorded):
        graph_of_call(subject, (0,), subject.example)
    assert modes_on() == 0 and torch.backends.mha.get_fastpath_enabled()


def branching(code):
    return module(code, rnn=nn.LSTM(3, 4, batch_first=True), fc=nn.Linear(4, 2))


#: Code of which a record of one call, or of two, shows a part.
PARTS = {
    "by the data": lambda m, x: m.fc(last(m, x)) * (1 if x.sum() > 0 else 2),
    "by the data, within a try": lambda m, x: m.fc(last(m, x)) * guarded(x),
    "by the samples": lambda m, x: m.fc(last(m, x)) * (2 if len(x) > 9 else 3),
    "by every sample": lambda m, x: torch.stack([m.fc(last(m, one[None]))[0] for one in x]),
    "by the square of the samples": lambda m, x: m.fc(last(m, x)) * float(len(x) ** 2),
    "by a count of the samples": lambda m, x: m.fc(last(m, x)) + torch.tensor([float(len(x))]),
}


def guarded(x):
    try:
        return 1 if x.sum() > 0 else 2
    except Exception:  # code that goes on whatever happens
        return 3


@pytest.mark.parametrize("name", PARTS)
def test_code_that_branches_is_refused_or_read_as_the_exporter_reads_it(name, rng, monkeypatch):
    model, example = branching(PARTS[name]), rng.normal(size=(3, 6, 3))
    subject = subject_of(model, example)
    with pytest.raises(NotRecorded):
        graph_of_call(subject, (0,), subject.example)
    with pytest.raises(UnsupportedModel) as ours:
        read(model, example=example)
    with pytest.raises(UnsupportedModel) as theirs:
        by_export(monkeypatch, model, example)
    assert str(ours.value) == str(theirs.value)


def test_code_that_asks_for_the_length_serves_the_length_of_the_example(rng, monkeypatch):
    model = branching(lambda m, x: m.fc(last(m, x)) * (1 if x.shape[1] < 9 else 2))
    network = by_record(monkeypatch, model, rng.normal(size=(2, 24, 3)))
    assert network.inputs["x"].shape == (24, 3)
    x = rng.normal(size=(4, 24, 3))
    agree(predict(network, x), model(torch.as_tensor(x)))


def test_what_a_module_holds_is_not_written_into(rng):
    model = branching(lambda m, x: m.fc(last(m, x)) + m.seen.add_(1.0))
    model.register_buffer("seen", torch.zeros(1, dtype=torch.float64))
    subject = subject_of(model, rng.normal(size=(2, 6, 3)))
    before = subject.module.seen.clone()
    with pytest.raises(NotRecorded, match="writes into what the module holds"):
        graph_of_call(subject, (0,), subject.example)
    assert torch.equal(subject.module.seen, before) and float(model.seen) == 0


def test_two_threads_read_at_once(rng):
    model = branching(lambda m, x: m.fc(torch.tanh(last(m, x))))
    found, x = [], rng.normal(size=(3, 6, 3))

    def reading():
        found.append(predict(read(model, example=x), x))

    threads = [threading.Thread(target=reading) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4
    for one in found:
        agree(one, model(torch.as_tensor(x)))


CODE = """
import sys, numpy as np, torch
import rnnlens
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.fc = torch.nn.LSTM(3, 4, batch_first=True), torch.nn.Linear(6, 1)
    def forward(self, x, z):
        return self.fc(torch.cat([self.rnn(x)[0][:, -1], z], 1))
rnnlens.read(Model(), example=(np.zeros((2, 365, 3)), np.zeros((2, 2))))
print(*(name for name in ("torch._dynamo", "sympy", "torch._inductor") if name in sys.modules))
"""


def test_reading_a_plain_module_loads_nothing_of_the_exporter():
    # what makes a first read fast: loading it takes 1.5 s
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.split() == []
