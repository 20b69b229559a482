"""Classes of the user's that are said to compute what a class of Keras does."""

import keras
import numpy as np
import pytest

import rnnlens
from keras_models import agree, outputs_of, scrambled, sequence
from rnnlens.errors import UnsupportedModel
from rnnlens.network.network import still_assumed

L = keras.layers


@keras.saving.register_keras_serializable(package="mine")
class Memory(L.LSTM):
    """A layer that changes nothing."""


@keras.saving.register_keras_serializable(package="mine")
class Head(L.Dense):
    """Another one."""


@keras.saving.register_keras_serializable(package="mine")
class Twice(L.Dense):
    """A layer that changes what it computes."""

    def call(self, inputs, **options):
        return 2.0 * super().call(inputs, **options)


@keras.saving.register_keras_serializable(package="mine")
class Chain(keras.Sequential):
    """A model that changes nothing."""


SAME = {"Memory": "LSTM", "Head": "Dense"}


@pytest.fixture
def whole():
    keras.utils.clear_session(free_memory=False)
    layers = [L.Input((6, 3)), L.Bidirectional(Memory(4, name="memory")), Head(2), L.Dense(1)]
    return scrambled(keras.Sequential(layers))


def test_every_container_is_read_with_the_classes_as_told(whole, rng, tmp_path):
    windows = sequence(rng)
    for ending in ("keras", "h5"):
        whole.save(tmp_path / f"model.{ending}")
    whole.save_weights(tmp_path / "only.weights.h5")
    (tmp_path / "architecture.txt").write_text(whole.to_json(), encoding="utf-8")
    for source, options in (
        (whole, {}),
        (tmp_path / "model.keras", {}),
        (tmp_path / "model.h5", {}),
        (tmp_path / "only.weights.h5", {"architecture": tmp_path / "architecture.txt"}),
    ):
        network = rnnlens.read(source, same_as=SAME, **options)
        agree(rnnlens.predict(network, windows), outputs_of(whole, windows))


def test_a_class_that_is_named_with_its_package_is_known(whole):
    named = rnnlens.read(whole, same_as={"mine>Memory": "LSTM", "mine>Head": "Dense"})
    assert len(list(named.recurrent())) == 2


def test_a_model_of_a_class_of_the_users_is_read(rng):
    keras.utils.clear_session(free_memory=False)
    whole = scrambled(Chain([L.Input((6, 3)), L.GRU(3), L.Dense(1)]))
    windows = sequence(rng)
    network = rnnlens.read(whole, same_as={"Chain": "Sequential"})
    agree(rnnlens.predict(network, windows), outputs_of(whole, windows))


def test_it_is_assumed_until_fidelity_shows_it(whole, rng):
    network = rnnlens.read(whole, same_as=SAME)
    assert still_assumed(network.origin) == (
        "Memory computes what Keras's LSTM does",
        "Head computes what Keras's Dense does",
    )
    assert rnnlens.fidelity(network, whole, sequence(rng)).attrs["agrees"]
    assert still_assumed(network.origin) == ()


def test_a_class_that_computes_something_else_is_found_out(rng):
    keras.utils.clear_session(free_memory=False)
    whole = scrambled(keras.Sequential([L.Input((6, 3)), L.GRU(3), Twice(1)]))
    network = rnnlens.read(whole, same_as={"Twice": "Dense"})
    assert not rnnlens.fidelity(network, whole, sequence(rng)).attrs["agrees"]
    assert still_assumed(network.origin)


def test_an_option_of_its_own_is_not_ignored():
    keras.utils.clear_session(free_memory=False)

    class Slow(L.LSTM):
        def get_config(self):
            return super().get_config() | {"slowness": 3}

    whole = keras.Sequential([L.Input((6, 3)), Slow(2)])
    with pytest.raises(UnsupportedModel, match="slowness = 3 is not implemented"):
        rnnlens.read(whole, same_as={"Slow": "LSTM"})


def test_the_refusal_says_what_to_do_and_that_works(whole, rng):
    with pytest.raises(UnsupportedModel, match="same_as={'Head': 'LSTM'}"):
        rnnlens.read(whole)
    with pytest.raises(UnsupportedModel, match="same_as={'Memory': 'LSTM'}"):
        rnnlens.read(whole, same_as={"Head": "Dense"})
    assert np.isfinite(rnnlens.predict(rnnlens.read(whole, same_as=SAME), sequence(rng))).all()
