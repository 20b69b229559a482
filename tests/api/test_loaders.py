"""Loaders and data sets of windows are taken as windows, in the order of time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

import rnnlens
from networks import forecaster
from rnnlens.errors import DataError
from rnnlens.series.sidecar import Sidecar, Variable


@pytest.fixture
def river(rng):
    x, y = rng.normal(size=(23, 7, 3)), rng.normal(size=(23, 2))
    return forecaster("lstm", rng, steps=7), x, y


class Sliding(Dataset):
    """Windows cut when they are asked for, as tutorials write it."""

    def __init__(self, x, y):
        self.x, self.y = torch.tensor(x), torch.tensor(y)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, at):
        return self.x[at], self.y[at]


class Batched:
    """What Keras calls a data set: batches by their number."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def on_epoch_end(self):
        """Do nothing."""

    def __len__(self):
        return 3

    def __getitem__(self, number):
        part = slice(8 * number, 8 * number + 8)
        return self.x[part], self.y[part]


def fed(kind, x, y):
    tensors = TensorDataset(torch.tensor(x), torch.tensor(y))
    return {
        "loader": lambda: DataLoader(tensors, batch_size=8),
        "shuffled": lambda: DataLoader(tensors, batch_size=8, shuffle=True, drop_last=True),
        "data set": lambda: Sliding(x, y),
        "loader of one": lambda: DataLoader(Sliding(x, y), batch_size=None),
        "Keras": lambda: Batched(x, y),
        "iterable": lambda: DataLoader(Stream(x, y), batch_size=5),
    }[kind]()


class Stream(torch.utils.data.IterableDataset):
    """Windows one after another, without numbers."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        return zip(torch.tensor(self.x), torch.tensor(self.y), strict=True)


@pytest.mark.parametrize("kind", ["loader", "shuffled", "data set", "Keras", "iterable"])
def test_what_feeds_a_network_is_explained_with_what_happened(kind, river):
    network, x, y = river
    found = rnnlens.explain(network, fed(kind, x, y), target=1, method="secant")
    whole = rnnlens.explain(network, x, target=1, method="secant")
    np.testing.assert_array_equal(found.contribution, whole.contribution)
    np.testing.assert_array_equal(found.actual, y[:, 1])
    np.testing.assert_array_equal(rnnlens.predict(network, fed(kind, x, y)),
                                  rnnlens.predict(network, x))  # fmt: skip


def test_a_loader_and_a_sidecar_give_names_and_units(river):
    _, x, y = river
    features = tuple(Variable(name, "mm", 5.0, 2.0) for name in ("rain", "flow", "snow"))
    sidecar = Sidecar(features, 7, targets=features[:2])
    windows = rnnlens.windows(fed("shuffled", x, y), sidecar)
    np.testing.assert_array_equal(windows.values, x)
    np.testing.assert_allclose(windows.actual, y * 2 + 5, rtol=1e-15)
    assert windows.features == ("rain", "flow", "snow")


def test_outcomes_that_are_no_outputs_are_left_out(river):
    network, x, _ = river
    labels = np.arange(23)
    found = rnnlens.explain(network, fed("loader", x, labels), target=1, method="secant")
    assert "actual" not in found
    assert found.attrs["target"] == "output 1"


def test_tensors_with_gradients_and_masked_arrays_without_a_mask_are_arrays(river):
    network, x, _ = river
    plain = rnnlens.predict(network, x)
    given = (torch.tensor(x, requires_grad=True), np.ma.masked_array(x, np.zeros(x.shape, bool)))
    for each in given:
        np.testing.assert_array_equal(rnnlens.predict(network, each), plain)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda x: np.ma.masked_greater(x, 1.0), "what is masked is missing data"),
        (lambda x: x + 1j, "type complex128"),
        (lambda x: np.zeros(x.shape, "datetime64[s]"), r"type datetime64\[s\]"),
        (lambda x: x.astype(str), "X must be windows"),
        (lambda _: [[1, 2], [3]], "X must be windows"),
        (lambda _: "a.csv", r"cut a table into windows with rnnlens.windows\(table, sidecar\)"),
    ],
)
def test_what_is_no_number_is_refused_in_one_sentence(spoil, sentence, river):
    network, x, _ = river
    for verb in (rnnlens.predict, rnnlens.explain, rnnlens.lags):
        with pytest.raises(DataError, match=sentence) as caught:
            verb(network, spoil(x))
        assert "\n" not in str(caught.value)


def test_batches_that_do_not_fit_together_are_refused(river):
    network, x, y = river
    third = TensorDataset(*(torch.tensor(each) for each in (x, y, y)))
    with pytest.raises(DataError, match="a batch has 3 parts, where windows"):
        rnnlens.predict(network, DataLoader(third, batch_size=8))
    ragged = [torch.tensor(x[0]), torch.tensor(x[1, :4])]
    with pytest.raises(DataError, match="batches differ in their shape"):
        rnnlens.predict(network, DataLoader(ragged, batch_size=1))
    with pytest.raises(DataError, match="gives no windows"):
        rnnlens.predict(network, Sliding(x[:0], y[:0]))
