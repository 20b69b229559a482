"""Modules as libraries have them: what is no plain tensor in, and what stays between calls."""

import threading
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, is_dataclass

import numpy as np
import pytest
import torch
from torch import nn

from rnnlens import fidelity
from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnsupportedModel
from torch_models import scrambled


class Base(nn.Module):
    """A layer and a head, for the modules below."""

    def __init__(self, **options):
        super().__init__()
        self.rnn = nn.LSTM(3, 5, **{"batch_first": True} | options)
        self.fc = nn.Linear(5, 2)

    def plain(self, x, states=None):
        return self.fc(self.rnn(x, states)[0][:, -1])


class Star(Base):
    def forward(self, *args):
        return self.plain(args[0])


class Keywords(Base):
    def forward(self, x=None, mask=None, **kw):
        return self.plain(x + kw["more"])


class KeywordOnly(Base):
    def forward(self, x, *, scale, twice=False):
        return self.plain(x) * scale * (2 if twice else 1)


class Dictionary(Base):
    def forward(self, batch):
        return self.plain(torch.cat([batch["past"], batch["known"]], -1))


class Nested(Base):
    def forward(self, batch, flag=True):
        x = torch.cat([batch["past"]["target"], batch["past"]["weather"]], -1)
        out = self.plain(x) + batch["static"]
        return {"mean": out, "more": [out * 2, {"sum": out.sum(1)}]} if flag else out


class Whole(Base):
    def forward(self, batch):
        x, y, none = batch
        assert none is None
        return self.plain(x) + y


class States(Base):
    def forward(self, x, h0, c0):
        return self.plain(x, (h0, c0))


class PairOfStates(Base):
    def forward(self, x, state=None):
        out, (h, c) = self.rnn(x, state)
        return self.fc(out[:, -1]), h, c


class StepsFirst(Base):
    def __init__(self):
        super().__init__(batch_first=False)

    def forward(self, x, h0, c0):
        return self.fc(self.rnn(x, (h0, c0))[0][-1])


class CellStates(Base):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 5)

    def forward(self, x, h):
        for k in range(x.shape[1]):
            h = self.cell(x[:, k], h)
        return self.fc(h)


class Permuted(Base):
    """States that the module takes samples first."""

    def forward(self, x, h0, c0):
        return self.plain(x, (h0.transpose(0, 1).contiguous(), c0.transpose(0, 1).contiguous()))


Batch = namedtuple("Batch", ["x", "static"])


class Named(Base):
    def forward(self, batch):
        return self.plain(batch.x) + batch.static


@dataclass(frozen=True)
class Past:
    target: object
    weather: object


@dataclass
class Record:
    """A batch with what it may lack, and a word among its arrays."""

    past: Past
    static: object = None
    stage: str = "predict"


@dataclass
class Given:
    """What a library gives back, its states beside the forecast."""

    forecast: object
    state: object = None


class Records(Base):
    def forward(self, batch):
        x = torch.cat([batch.past.target, batch.past.weather], -1)
        out, (h, c) = self.rnn(x)
        made = self.fc(out[:, -1])
        if batch.stage != "predict":
            return made
        return Given(made if batch.static is None else made + batch.static, (h, c))


class RecordsOrNothing(Base):
    def forward(self, batch):
        return Given(self.plain(torch.cat([batch.past.target, batch.past.weather], -1)))


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def windows(samples=4, steps=6, features=3, seed=0):
    return random(samples, steps, features, seed=seed)


def states(samples=4, units=5, seed=1):
    return random(1, samples, units, seed=seed)


def both(make):
    """Give an example and, of another number of samples, what to compare on."""
    return make(4), make(6)


#: The module, its example for a number of samples, and the names of the inputs as read.
CALLS = {
    "star": (Star, windows, ["args"]),
    "keywords": (
        Keywords,
        lambda n: {"x": windows(n), "mask": None, "more": windows(n, seed=2)},
        ["x", "more"],
    ),
    "keyword_only": (
        KeywordOnly,
        lambda n: (windows(n), {"scale": random(n, 1), "twice": True}),
        ["x", "scale"],
    ),
    "dictionary": (
        Dictionary,
        lambda n: {"past": windows(n, 6, 1), "known": windows(n, 6, 2, seed=2)},
        ["past", "known"],
    ),
    "dictionary_in_order": (
        Dictionary,
        lambda n: (OrderedDict(known=windows(n, 6, 2, seed=2), past=windows(n, 6, 1)),),
        ["known", "past"],
    ),
    "nested": (
        Nested,
        lambda n: {
            "past": {"target": windows(n, 6, 1), "weather": windows(n, 6, 2, seed=2)},
            "static": random(n, 2),
        },
        ["target", "weather", "static"],
    ),
    "nested_with_a_flag": (
        Nested,
        lambda n: (
            {
                "past": {"target": windows(n, 6, 1), "weather": windows(n, 6, 2, seed=2)},
                "static": random(n, 2),
            },
            False,
        ),
        ["target", "weather", "static"],
    ),
    "whole_tuple": (
        Whole,
        lambda n: ((windows(n), random(n, 2), None),),
        ["batch_0", "batch_1"],
    ),
    "named_tuple": (
        Named,
        lambda n: (Batch(windows(n), random(n, 2)),),
        ["x", "static"],
    ),
    "dataclass": (
        Records,
        lambda n: Record(Past(windows(n, 6, 1), windows(n, 6, 2, seed=2)), random(n, 2)),
        ["target", "weather", "static"],
    ),
    "dataclass_with_nothing": (
        Records,
        lambda n: Record(Past(windows(n, 6, 1), windows(n, 6, 2, seed=2))),
        ["target", "weather"],
    ),
    "dataclass_of_lists": (
        Records,
        lambda n: {
            "batch": Record(Past(windows(n, 6, 1).tolist(), windows(n, 6, 2)), stage="train")
        },
        ["target", "weather"],
    ),
    "dataclass_that_gives_none": (
        RecordsOrNothing,
        lambda n: {"batch": Record(Past(windows(n, 6, 1), windows(n, 6, 2, seed=2)))},
        ["target", "weather"],
    ),
    "states": (States, lambda n: (windows(n), states(n), states(n, seed=2)), ["x", "h0", "c0"]),
    "pair_of_states": (
        PairOfStates,
        lambda n: (windows(n), (states(n), states(n, seed=2))),
        ["x", "state_0", "state_1"],
    ),
    "no_states": (PairOfStates, lambda n: (windows(n), None), ["x"]),
    "steps_first_with_states": (
        StepsFirst,
        lambda n: (windows(6, n), states(n), states(n, seed=2)),
        ["x", "h0", "c0"],
    ),
    "state_of_a_cell": (CellStates, lambda n: (windows(n), random(n, 5)), ["x", "h"]),
    "states_samples_first": (
        Permuted,
        lambda n: (windows(n), random(n, 1, 5), random(n, 1, 5, seed=2)),
        ["x", "h0", "c0"],
    ),
}


def flat(given):
    """Give the tensors of what a module gives, in order."""
    if isinstance(given, torch.Tensor):
        return [given]
    values = given.values() if isinstance(given, dict) else given
    if is_dataclass(given):
        values = [one for one in vars(given).values() if one is not None]
    return [one for value in values for one in flat(value)]


def tensors(example):
    """Give the same example with tensors for arrays."""
    if isinstance(example, np.ndarray):
        return torch.as_tensor(example)
    if isinstance(example, dict):
        return {key: tensors(value) for key, value in example.items()}
    if hasattr(example, "_fields"):
        return type(example)(*map(tensors, example))
    if is_dataclass(example):
        return type(example)(*map(tensors, vars(example).values()))
    if isinstance(example, list) and isinstance(example[0], list):
        return torch.as_tensor(example, dtype=torch.float64)
    if isinstance(example, list | tuple):
        return type(example)(map(tensors, example))
    return example


def called(module, example):
    """Call a module as a user would."""
    example = tensors(example)
    if isinstance(example, dict) and not isinstance(module, Dictionary | Nested):
        return flat(module(**example))
    if not isinstance(example, tuple):
        return flat(module(example))
    if isinstance(module, KeywordOnly):
        return flat(module(*example[:-1], **example[-1]))
    return flat(module(*example))


def arrays(example):
    """Give the arrays of an example, in order."""
    if isinstance(example, np.ndarray):
        return [example]
    if is_dataclass(example):
        example = vars(example).values()
    if isinstance(example, dict):
        example = example.values()
    if isinstance(example, list):
        return [np.array(example)]
    if isinstance(example, str):
        return []
    if isinstance(example, dict | list | tuple) or hasattr(example, "__iter__"):
        return [one for part in example for one in arrays(part)]
    return []


@pytest.mark.parametrize("name", CALLS)
def test_a_module_computes_the_same_whatever_it_takes(name):
    kind, make, names = CALLS[name]
    module = scrambled(kind().double())
    net = read(module, example=make(4))
    assert list(net.inputs) == names
    other = make(6)
    expected = called(module, other)
    given = dict(zip(names, arrays(other), strict=True))
    for entry, array in given.items():
        samples_in_1 = array.shape[0] != 6
        given[entry] = np.moveaxis(array, 1, 0) if samples_in_1 else array
    if name == "steps_first_with_states":
        given["x"] = np.moveaxis(other[0], 1, 0)  # as many steps as samples, 6
    ours = predict(net, given)
    ours = ours if isinstance(ours, tuple) else (ours,)
    for mine, theirs in zip(ours, expected, strict=True):
        array = theirs.detach().numpy()
        array = np.moveaxis(array, 1, 0) if array.ndim == 3 and len(array) == 1 else array
        array = array[:, None] if array.ndim == 1 else array
        # float64: a sum of a few dozen products is right to 1e-12
        np.testing.assert_allclose(mine, array, rtol=0, atol=1e-12)
    assert fidelity(net, module, given).largest < 1e-12


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")
@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile], ids=["parallel", "compiled"])
@pytest.mark.parametrize("inside", [False, True], ids=["around", "inside"])
def test_a_wrapper_changes_nothing(wrap, inside):
    module = scrambled(Star().double())
    plain = read(module, example=windows())
    wrapped = nn.Sequential(wrap(module)) if inside else wrap(module)
    net = read(wrapped.eval(), example=windows())
    x = windows(7, seed=3)
    np.testing.assert_array_equal(predict(net, x), predict(plain, x))


class Trained(Base):
    """As a library hangs a trainer and a logger on a module."""

    def __init__(self):
        super().__init__()
        self._trainer = threading.Lock()
        self.logged = {"loss": (k for k in range(3))}
        self.last_loss = self.fc.weight.sum() * 2.0

    def forward(self, *args, **kwargs):
        return self.plain(*args, **kwargs)

    def training_step(self, batch, number):
        return self(batch[0]).sum()


def test_what_hangs_on_a_module_besides_its_layers_is_left_alone():
    module = scrambled(Trained().double())
    net = read(module, example=windows())
    x = windows(5, seed=3)
    expected = module(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(predict(net, x), expected, rtol=0, atol=1e-12)
    assert isinstance(module.last_loss.grad_fn, object)
    assert next(module.logged["loss"]) == 0


class Carried(Base):
    """The usual stateful module, its state a plain attribute."""

    def __init__(self, samples=4, *, detach=True, zeros=True):
        super().__init__()
        start = torch.zeros if zeros else torch.ones
        self.h = (start(1, samples, 5).double(), start(1, samples, 5).double() * 0.5)
        self.detach = detach

    def forward(self, x):
        out, h = self.rnn(x, self.h)
        self.h = tuple(one.detach() for one in h) if self.detach else h
        return self.fc(out[:, -1])


class InABuffer(Base):
    def __init__(self):
        super().__init__()
        self.register_buffer("h", torch.full((1, 4, 5), 0.25))
        self.register_buffer("c", torch.full((1, 4, 5), -0.5))

    def forward(self, x):
        out, (h, c) = self.rnn(x, (self.h, self.c))
        self.h.copy_(h)
        self.c = c
        return self.fc(out[:, -1])


class OnceCalled(Base):
    """The state is none until the first call."""

    state = None

    def __init__(self):
        super().__init__()
        self.state = None

    def forward(self, x):
        out, self.state = self.rnn(x) if self.state is None else self.rnn(x, self.state)
        return self.fc(out[:, -1])


class Noted(Base):
    """What it keeps is for the eye alone."""

    def __init__(self):
        super().__init__()
        self.hidden = torch.zeros(32, 5)

    def forward(self, x):
        out, (h, _) = self.rnn(x)
        self.hidden = h[-1].detach()
        return self.fc(out[:, -1])


class OfACell(Base):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 5)
        self.h = torch.zeros(4, 5).double()

    def forward(self, x):
        for k in range(x.shape[1]):
            self.h = self.cell(x[:, k], self.h)
        return self.fc(self.h)


STATEFUL = {
    "attribute": Carried,
    "of_ones": lambda: Carried(zeros=False),
    "with_gradients": lambda: Carried(detach=False),
    "buffer": InABuffer,
    "none_yet": OnceCalled,
    "noted": Noted,
    "of_a_cell": OfACell,
}


@pytest.mark.parametrize("name", STATEFUL)
def test_a_network_starts_from_the_state_that_the_module_has(name):
    module = STATEFUL[name]().double()
    for part in (module.rnn, module.fc, *([module.cell] if name == "of_a_cell" else [])):
        scrambled(part)
    net = read(module.eval(), example=windows())
    x = windows(4, seed=3)
    before = fidelity(net, module, x).largest
    expected = module(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(predict(net, x), expected, rtol=0, atol=1e-12)
    assert before < 1e-12
    # the check of fidelity starts where the network does, whatever was called meanwhile
    assert fidelity(net, module, windows(6, seed=4)).largest < 1e-12
    said = [note for note in net.origin.notes if "from call to call" in note]
    assert len(said) == (name not in {"none_yet", "noted"})


def test_a_state_that_a_call_has_left_is_read_where_all_samples_share_it():
    module = Carried().double()
    scrambled(module.rnn), scrambled(module.fc)
    module(torch.as_tensor(np.repeat(windows(1), 4, axis=0)))
    net = read(module.eval(), example=windows())
    assert any("the numbers that it holds now" in note for note in net.origin.notes)
    x = windows(4, seed=3)
    expected = module(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(predict(net, x), expected, rtol=0, atol=1e-12)


def test_what_is_said_of_a_state_that_differs_works():
    module = Carried().double()
    scrambled(module.rnn), scrambled(module.fc)
    module.eval()(torch.as_tensor(windows()))
    with pytest.raises(UnsupportedModel, match="set it to zeros"):
        read(module, example=windows())
    module.h = tuple(torch.zeros_like(one) for one in module.h)
    assert fidelity(read(module, example=windows()), module, windows(6, seed=2)).largest < 1e-12


def test_reading_leaves_a_module_as_it_was():
    module = Carried(zeros=False).double().train()
    held = module.h
    read(module, example=windows())
    assert module.h is held
    assert module.training
    assert bool((held[0] == 1).all())


def test_a_window_without_samples_is_read_once_it_has_them():
    module = scrambled(nn.Sequential(nn.Linear(3, 3), nn.LSTM(3, 5, batch_first=True)).double())
    with pytest.raises(InputError, match=r"give example=x\[None\]"):
        read(module, example=windows()[0])
    net = read(module, example=windows()[:1])
    assert fidelity(net, module, windows(5)).largest < 1e-12


def test_an_example_without_an_array_is_refused():
    with pytest.raises(InputError, match="holds no array"):
        read(Whole(), example=((None, 1.0, "x"),))
