"""Programs of torch.export, live and in files: read step by step, and nothing in them is run."""

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import Dim

from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from torch_models import scrambled

#: What PyTorch says of its own layers while the tests export them.
pytestmark = pytest.mark.filterwarnings("ignore:The tensor attributes", "ignore:.*deprecated")


#: Files that PyTorch 2.6 wrote, by ``benchmarks/write_torch_programs.py``.
OLDER = Path(__file__).parents[2] / "data/torch_programs"


class Forecaster(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.rnn = nn.LSTM(3, 5, batch_first=True, **options)
        self.norm = nn.LayerNorm(5)
        self.fc = nn.Linear(5, 2)
        self.register_buffer("scale", torch.tensor([2.0, 3.0]))

    def forward(self, x):
        return self.fc(torch.relu(self.norm(self.rnn(x)[0][:, -1]))) * self.scale


class Several(Forecaster):
    def forward(self, batch, static, known=None):
        state = torch.tanh(static).unsqueeze(0).contiguous()
        out = self.rnn(batch["past"], (state, state))[0]
        return {"mean": self.fc(out[:, -1]), "all": out.mean(1), "none": None}


class Tokens(Forecaster):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 3)

    def forward(self, tokens):
        return super().forward(self.table(tokens))


class Convolved(Forecaster):
    def __init__(self):
        super().__init__(num_layers=2)
        self.conv = nn.Conv1d(3, 3, 3, padding=1)

    def forward(self, x):
        return super().forward(self.conv(x.transpose(1, 2)).transpose(1, 2))


def windows(samples=4, steps=6, features=3, seed=0):
    return np.random.default_rng(seed).normal(size=(samples, steps, features)).astype(np.float32)


FREE = {0: Dim.AUTO}
#: The model, its inputs, and which of their axes may be of any length.
PROGRAMS = {
    "free": (Forecaster, (windows(),), (FREE,)),
    "fixed": (Forecaster, (windows(),), None),
    "one_sample": (Forecaster, (windows(1),), None),
    "as_many_samples_as_steps": (Forecaster, (windows(6),), None),
    "several": (
        Several,
        ({"past": windows()}, windows()[:, 0, :1].repeat(5, axis=1)),
        ({"past": FREE}, FREE),
    ),
    "tokens": (Tokens, (np.array([[1, 2, 3, 8], [2, 2, 0, 1]]),), (FREE,)),
    "convolved": (Convolved, (windows(),), (FREE,)),
}


def tensors(value):
    if isinstance(value, dict):
        return {key: tensors(one) for key, one in value.items()}
    return torch.as_tensor(value)


def exported(kind, inputs, free):
    model = scrambled(kind())
    return model, torch.export.export(model, tuple(map(tensors, inputs)), dynamic_shapes=free)


def test_a_recurrent_layer_of_a_program_is_followed_whole_and_not_step_by_step(monkeypatch):
    calls = []
    dispatch = FakeTensorMode.dispatch

    def counted(mode, func, *args, **options):
        calls.append(func)
        return dispatch(mode, func, *args, **options)

    monkeypatch.setattr(FakeTensorMode, "dispatch", counted)
    counts = []
    for steps in (6, 12):
        _, program = exported(Forecaster, (windows(steps=steps),), (FREE,))
        calls.clear()
        read(program)
        counts.append(len(calls))
    assert counts[0] == counts[1] > 0  # step by step, each step would be some ten operations more


@pytest.mark.parametrize("where", ["live", "file"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_read_step_by_step(name, where, tmp_path):
    kind, inputs, free = PROGRAMS[name]
    model, program = exported(kind, inputs, free)
    source = program
    if where == "file":
        source = tmp_path / "model.pt2"
        torch.export.save(program, source)
    net = read(source)
    rng = np.random.default_rng(3)

    def drawn(value):
        if isinstance(value, dict):
            return {key: drawn(one) for key, one in value.items()}
        if value.dtype.kind == "i":
            return rng.integers(0, 9, size=(5, *value.shape[1:]))
        return rng.normal(size=(5, *value.shape[1:])).astype(np.float32)

    others = tuple(map(drawn, inputs))
    given = [
        one for part in others for one in (part.values() if isinstance(part, dict) else [part])
    ]
    theirs = model(*map(tensors, others))
    theirs = [theirs] if isinstance(theirs, torch.Tensor) else [theirs["mean"], theirs["all"]]
    ours = predict(net, dict(zip(net.inputs, (one.astype(float) for one in given), strict=True)))
    for mine, one in zip(ours if isinstance(ours, tuple) else (ours,), theirs, strict=True):
        # float32 keeps 6e-8 of a number, and a few layers add up some
        np.testing.assert_allclose(mine, one.detach().numpy(), rtol=0, atol=5e-6)
    assert {node.sources["b"].text for node in net.nodes if "b" in node.sources} >= {"fc.bias"}


@pytest.mark.parametrize("name", ["free", "several", "both_ways"])
def test_a_program_of_pytorch_before_2_8_gives_what_its_module_gave(name):
    net = read(OLDER / f"{name}.pt2")
    with np.load(OLDER / "given.npz") as held:
        given = [held[key] for key in sorted(held) if key.startswith(f"{name}_x")]
        theirs = [held[key] for key in sorted(held) if key.startswith(f"{name}_y")]
    ours = predict(net, dict(zip(net.inputs, given, strict=True)))
    for mine, one in zip(ours if isinstance(ours, tuple) else (ours,), theirs, strict=True):
        # float32 keeps 6e-8 of a number, and a few layers add up some
        np.testing.assert_allclose(mine, one, rtol=0, atol=1e-6)
    assert net.origin.format == "PyTorch exported program (.pt2)"


def within(change):
    """Change the file of torch.save that lies within the archive."""

    def changed_within(data):
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            members = {name: old.read(name) for name in old.namelist()}
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as new:
            for name, content in members.items():
                new.writestr(name, change(name, content))
        return made.getvalue()

    return changed_within


def test_nothing_in_a_program_of_pytorch_before_2_8_is_run(tmp_path):
    mark = tmp_path / "ran"
    attack = pickle.dumps(Attack(mark))
    as_file = io.BytesIO()
    torch.save({"fc.bias": Attack(mark)}, as_file)
    members = {
        "state_dict.pt": lambda _: as_file.getvalue(),
        "constants.pt": lambda _: attack,
        "program.json": lambda _: attack,
    }
    for end, make in members.items():
        target = rewritten(OLDER / "free.pt2", tmp_path / "changed.pt2", {end: make})
        with pytest.raises((UnreadableFile, UnsupportedModel)):
            read(target)
        assert not mark.exists()
    # what is not looked at may hold anything
    more = {"example_inputs.pt": lambda _: attack}
    read(rewritten(OLDER / "free.pt2", tmp_path / "changed.pt2", more))
    assert not mark.exists()
    torch.load(io.BytesIO(as_file.getvalue()), weights_only=False)
    assert mark.exists()


def test_a_program_of_pytorch_before_2_8_that_is_cut_off_is_refused(tmp_path):
    cases = {
        "program.json": [lambda data: data[:-9], lambda _: b"[]", lambda _: b"[" * 10**5],
        "state_dict.pt": [
            lambda data: data[:-9],
            lambda _: b"",
            within(lambda name, data: data[:-8] if name.endswith("data/1") else data),
            within(lambda name, data: data[:60] if name.endswith("data.pkl") else data),
        ],
    }
    for end, changes in cases.items():
        for change in changes:
            target = rewritten(OLDER / "free.pt2", tmp_path / "changed.pt2", {end: change})
            with pytest.raises(UnreadableFile):
                read(target)


class Merged(Forecaster):
    """The number of samples stands in the graph within a product."""

    def forward(self, x):
        merged = x.reshape(x.size(0) * x.size(1), 3) * 2
        return super().forward(merged.reshape(x.shape))


class Across(Forecaster):
    def forward(self, x):
        return super().forward(x - x.mean(0))


def test_a_program_of_one_number_of_samples_is_refused_where_that_number_is_lost():
    _, program = exported(Merged, (windows(),), None)
    with pytest.raises(UnsupportedModel, match="exported for 4 samples alone"):
        read(program)
    model, again = exported(Merged, (windows(),), (FREE,))  # as the sentence says
    expected = model(torch.as_tensor(windows(7))).detach().numpy()
    np.testing.assert_allclose(predict(read(again), windows(7)), expected, rtol=0, atol=5e-6)


def test_a_program_across_samples_is_refused_for_that():
    _, program = exported(Across, (windows(),), None)
    with pytest.raises(UnsupportedModel, match="across the samples of a batch"):
        read(program)


class Attack:
    """What touches a file where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return type(self.mark).touch, (self.mark,)


def rewritten(source, target, change):
    """Write an archive anew with other members: a mapping of the end of a name to bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            for end, make in change.items():
                if member.filename.endswith(end):
                    data = make(data)
            new.writestr(member.filename, data)
    return target


@pytest.fixture
def saved(tmp_path):
    _, program = exported(Forecaster, (windows(),), (FREE,))
    torch.export.save(program, tmp_path / "model.pt2")
    return tmp_path / "model.pt2"


def changed(text, old, new):
    assert old in text
    return text.replace(old, new)


def test_nothing_in_a_file_is_run(saved, tmp_path):
    mark = tmp_path / "ran"
    attack = pickle.dumps(Attack(mark))
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    symbol = json.loads(zipfile.ZipFile(saved).read("model/models/model.json"))
    sizes = symbol["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
    expression = json.dumps(sizes[0]["as_expr"]["expr_str"])

    def in_json(old, new):
        return lambda data: changed(data.decode(), old, new).encode()

    def pickled(data):
        listed = json.loads(data)
        listed["config"]["fc.bias"]["use_pickle"] = True
        return json.dumps(listed).encode()

    attacks = {
        "expression": {"models/model.json": in_json(expression, json.dumps(code))},
        "pickled_weight": {"weights_config.json": pickled, "weights/weight_5": lambda _: attack},
        "operation": {
            "models/model.json": in_json("torch.ops.aten.relu.default", "torch.ops.aten.from_file")
        },
        "function": {"models/model.json": in_json("torch.ops.aten.relu.default", "os.system")},
        "place": {"weights_config.json": in_json('"weight_1"', '"../../secret"')},
    }
    for change in attacks.values():
        target = rewritten(saved, tmp_path / "changed.pt2", change)
        with pytest.raises((UnreadableFile, UnsupportedModel)):
            read(target)
        assert not mark.exists()
    # what is not looked at may hold anything
    target = rewritten(
        saved, tmp_path / "changed.pt2", {"sample_inputs/model.pt": lambda _: attack}
    )
    read(target)
    assert not mark.exists()


def test_every_shortened_or_scrambled_file_is_refused(saved, tmp_path, rng):
    cases = {
        "models/model.json": [
            lambda data: data[:-9],
            lambda _: b"[]",
            lambda _: b'{"graph_module": {"graph": {}, "signature": {}}}',
            lambda _: b"[" * 10**5,
        ],
        "weights_config.json": [lambda _: b"{}", lambda data: data.replace(b"20", b"99999999")],
        "weights/weight_0": [lambda data: data[:-8], lambda _: b""],
    }
    for end, changes in cases.items():
        for change in changes:
            target = rewritten(saved, tmp_path / "changed.pt2", {end: change})
            with pytest.raises((UnreadableFile, UnsupportedModel, InputError)):
                read(target)
