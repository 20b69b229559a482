"""A record of a training: what it says is true, and the training does not know of it."""

import random

import numpy as np
import pandas as pd
import pytest

import naive_events
import naive_weights
import rnnlens
from layers_of_results import nodes
from networks import forecaster
from rnnlens.engine.forward import forward
from rnnlens.engine.trace import layer_traces
from rnnlens.errors import InputError

torch = pytest.importorskip("torch")
nn = torch.nn
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")  # of PyTorch


class Forecaster(nn.Module):
    """Any recurrent layer of PyTorch, dropout, and a head on the last step."""

    def __init__(self, kind="LSTM", **options):
        super().__init__()
        self.rnn = getattr(nn, kind)(3, 5, batch_first=True, **options)
        width = options.get("proj_size") or 5 * (1 + options.get("bidirectional", False))
        self.dropout, self.fc = nn.Dropout(0.3), nn.Linear(width, 1)

    def forward(self, x):
        return self.fc(self.dropout(self.rnn(x)[0][:, -1]))


def trained(kind, path=None, steps=7, made=Forecaster, **options):
    """A module trained a little, with a record or without: its numbers and its losses."""
    torch.manual_seed(3)
    random.seed(3)
    module, x, y = made(kind, **options), 8 * torch.randn(12, 6, 3), torch.randn(12, 1)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    recorder = None
    if path is not None:
        recorder = rnnlens.record(module, x.numpy(), path, every=3).watch(optimizer)
    losses = []
    for _ in range(steps):
        assert module.training
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(module(x), y)  # dropout draws random numbers here
        loss.backward()
        optimizer.step()
        losses.append(loss.item() + random.random())
    if recorder is not None:
        recorder.close()
    return module, x, losses


KINDS = [
    ("LSTM", {}), ("GRU", {}), ("RNN", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True}), ("LSTM", {"proj_size": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_module_learns_the_same_bit_for_bit_with_a_record_and_without(kind, options, tmp_path):
    plain, _, losses = trained(kind, **options)
    seen, _, same = trained(kind, tmp_path / "gates.csv", **options)
    assert losses == same
    for one, other in zip(plain.parameters(), seen.parameters(), strict=True):
        assert torch.equal(one, other)
    rows = pd.read_csv(tmp_path / "gates.csv")
    assert rows["step"].tolist() == [0, 3, 6] and not rows.isna().any().any()
    means = [name for name in rows if name.endswith("/mean")]
    assert all(rows[name].nunique() == 3 for name in means)  # each row is of its own time


@pytest.mark.parametrize(("kind", "options"), [KINDS[1], KINDS[2], KINDS[3]])
def test_a_record_is_what_the_verbs_say_of_the_module_at_that_step(kind, options, tmp_path):
    module, x, _ = trained(kind, tmp_path / "gates.csv", steps=6, **options)
    row = pd.read_csv(tmp_path / "gates.csv").iloc[-1]
    module.eval()
    net = rnnlens.read(module, example=x)
    tree, memory = (ask(net, x.numpy(), target=0)
                    for ask in (rnnlens.summarize_weights, rnnlens.memory))  # fmt: skip
    for layer, node in nodes(tree).items():
        for gate in node["gate"].values:
            one = node.dataset.sel(gate=gate)
            for name, key in (("gate_mean", "mean"), ("saturated", "saturated"), ("open", "open")):
                if f"{layer}/{gate}/{key}" in row:
                    # the numbers of a CSV file are whole; weights are float32 in both
                    np.testing.assert_allclose(row[f"{layer}/{gate}/{key}"], one[name].mean())
        if kind != "RNN":
            half = next(n for n in memory.subtree if n.attrs.get("layer") == layer)["half_life"]
            np.testing.assert_allclose(row[f"{layer}/half_life/longest"], half.max(), rtol=1e-9)
            np.testing.assert_allclose(row[f"{layer}/half_life/median"], np.median(half))
    derivative = memory.dataset.sel(measure="derivative")
    assert [row["k50"], row["k95"]] == [derivative["within_half"], derivative["within_most"]]


def test_shares_are_those_of_the_definition(tmp_path):
    module, x, _ = trained("LSTM", tmp_path / "gates.csv", steps=3)
    row = pd.read_csv(tmp_path / "gates.csv").iloc[-1]
    net = rnnlens.read(module.eval(), example=x)
    name = next(iter(net.inputs))
    ((layer, trace),) = layer_traces(forward(net, {name: x.double().numpy()})).items()
    mean, closed, open_ = naive_weights.shares(trace.gate_value[:, :, 1].ravel())
    found = [row[f"{layer}/forget/{key}"] for key in ("mean", "closed", "open", "saturated")]
    np.testing.assert_allclose(found, [mean, closed, open_, closed + open_], rtol=1e-9)


class Normed(nn.Module):
    """A module whose weights are computed: there is no place to look them up."""

    def __init__(self, kind):
        super().__init__()
        self.rnn = getattr(nn, kind)(3, 5, batch_first=True)
        self.fc = nn.utils.parametrizations.weight_norm(nn.Linear(5, 1))

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


def test_a_module_whose_weights_are_computed_is_read_anew_and_recorded_alike(tmp_path):
    _, _, losses = trained("GRU", made=Normed, steps=3)
    seen, x, same = trained("GRU", tmp_path / "gates.csv", made=Normed, steps=3)
    assert losses == same
    row = pd.read_csv(tmp_path / "gates.csv").iloc[-1]
    memory = rnnlens.memory(seen.eval(), x.numpy(), target=0)
    assert row["k95"] == memory.dataset["within_most"].sel(measure="derivative")


def test_rows_are_there_before_the_record_ends_and_events_hold_the_same(tmp_path):
    torch.manual_seed(0)
    module, x = Forecaster(), torch.randn(5, 6, 3)
    recorder = rnnlens.record(
        module, x.numpy(), tmp_path / "gates.csv", every=2, tensorboard=tmp_path / "runs"
    )
    for _ in range(4):
        recorder.step()
    rows = pd.read_csv(tmp_path / "gates.csv")  # nothing was closed: the run may end here
    assert rows["step"].tolist() == [0, 2, 4]
    (file,) = (tmp_path / "runs").iterdir()
    head, *events = naive_events.events(file)
    assert head[1] == "brain.Event:2" and [step for step, _, _ in events] == [0, 2, 4]
    for (_, row), (_, _, values) in zip(rows.iterrows(), events, strict=True):
        known = row.drop("step").dropna()
        assert set(values) == set(known.index)
        np.testing.assert_allclose([values[n] for n in known.index], known, rtol=1e-6)  # float32
    recorder.close()


def test_a_module_that_diverged_gets_an_empty_row_and_goes_on(tmp_path):
    module, x = Forecaster(), torch.randn(5, 6, 3)
    with rnnlens.record(module, x.numpy(), tmp_path / "gates.csv", every=1) as recorder:
        with torch.no_grad():
            module.rnn.weight_hh_l0[0, 0] = float("nan")
        recorder.step()
        with torch.no_grad():
            module.rnn.weight_hh_l0[0, 0] = 0.0
        recorder.step()
    rows = pd.read_csv(tmp_path / "gates.csv").set_index("step")
    assert rows.loc[1].isna().all() and not rows.loc[[0, 2]].isna().any().any()


KERAS = [("LSTM", {}), ("GRU", {"reset_after": False}), ("GRU", {}), ("SimpleRNN", {})]


@pytest.mark.parametrize(("kind", "options"), KERAS)
def test_a_keras_model_learns_the_same_with_a_record_and_without(kind, options, tmp_path):
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).normal(size=(24, 6, 3)).astype("f4")
    y = x[:, -1, :1] * 0.5

    def fitted(path=None):
        keras.utils.set_random_seed(4)
        model = keras.Sequential([
            keras.layers.Input((6, 3)),
            getattr(keras.layers, kind)(4, name="memory", **options),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1),
        ])
        model.compile("adam", "mse")
        calls = [] if path is None else [rnnlens.record(model, x, path, every=2).callback]
        model.fit(x, y, batch_size=6, epochs=2, verbose=0, callbacks=calls)
        return model

    plain, seen = fitted(), fitted(tmp_path / "gates.csv")
    for one, other in zip(plain.get_weights(), seen.get_weights(), strict=True):
        assert (one == other).all()
    rows = pd.read_csv(tmp_path / "gates.csv")
    assert rows["step"].tolist() == [0, 2, 4, 6, 8]
    (node,) = nodes(rnnlens.summarize_weights(seen, x, target=0)).values()
    chosen = np.unique(np.linspace(0, 23, 16).round().astype(int))
    (node,) = nodes(rnnlens.summarize_weights(seen, x[chosen], target=0)).values()
    for gate in node["gate"].values:
        found = rows[f"memory/{gate}/mean"].iloc[-1]
        np.testing.assert_allclose(found, node.dataset["gate_mean"].sel(gate=gate).mean())


@pytest.mark.parametrize("source", ["network", "file"])
def test_what_learns_no_more_is_refused(source, rng, tmp_path):
    from rnnlens.demo.weather import demo_files

    x = rng.normal(size=(4, 7, 3))
    model = forecaster("lstm", rng) if source == "network" else demo_files().network
    with pytest.raises(InputError, match="give the live Keras model or PyTorch module"):
        rnnlens.record(model, x, tmp_path / "gates.csv")


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    module, x = Forecaster(), np.zeros((4, 6, 3))
    (tmp_path / "gates.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="there already, and may hold the record of another run"):
        rnnlens.record(module, x, tmp_path / "gates.csv")
    with pytest.raises(InputError, match="make it first"):
        rnnlens.record(module, x, tmp_path / "absent" / "gates.csv")
    with pytest.raises(InputError, match="tensorboard must be a folder"):
        rnnlens.record(module, x, tmp_path / "o.csv", tensorboard=tmp_path / "gates.csv")
    assert (tmp_path / "gates.csv").read_text(encoding="utf-8") == "mine"
    rnnlens.record(module, x, tmp_path / "others.csv").close()


def test_what_is_no_optimizer_is_not_watched_and_the_advice_works(tmp_path):
    module, x = Forecaster(), np.zeros((4, 6, 3))
    with rnnlens.record(module, x, tmp_path / "gates.csv", every=1) as recorder:
        for other in (3, None, module, "adam"):
            with pytest.raises(InputError, match=r"optimizer of PyTorch, .*step\(\) after"):
                recorder.watch(other)
        recorder.step()
    assert len((tmp_path / "gates.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_whatever_a_record_draws_everyones_random_numbers_are_where_they_were():
    from rnnlens.readers.torch.training.undisturbed import undisturbed

    def drawn():
        return torch.rand(1).item(), random.random(), np.random.random()  # noqa: NPY002

    torch.manual_seed(1), random.seed(1), np.random.seed(1)  # noqa: NPY002
    first = drawn()
    torch.manual_seed(1), random.seed(1), np.random.seed(1)  # noqa: NPY002
    with undisturbed():
        drawn()
    assert drawn() == first
