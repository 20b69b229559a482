"""Code in Lambda layers is told from its bytes, as each version of Python wrote them; not run."""

import base64

import numpy as np
import pytest

from keras_graphs import X, entry, graph, placed
from lambda_codes import CODES
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel
from rnnlens.network.network import still_assumed
from rnnlens.readers.keras.lambdas.bytecode import expression_of
from rnnlens.readers.keras.lambdas.marshalled import code_within

#: What a body gives for windows (sample, step, feature), written anew in NumPy.
GIVES = {
    "lambda x: x[:, -1, :]": lambda x: x[:, -1, :],
    "lambda x: x[:, 1:3]": lambda x: x[:, 1:3],
    "lambda x: K.sum(x, axis=1)": lambda x: np.sum(x, axis=1),
    "lambda x: x * 100.0": lambda x: x * 100.0,
    "lambda x: tf.math.reduce_sum(x, 1)": lambda x: np.sum(x, 1),
    "lambda x: tf.expand_dims(x, axis=-1)": lambda x: np.expand_dims(x, axis=-1),
    "lambda x: x[:, [0,1,2]]": lambda x: x[:, [0, 1, 2]],
    "lambda x: -x": lambda x: -x,
    "lambda x: 1 - x / 2": lambda x: 1 - x / 2,
}
REFUSED = sorted(set(CODES) - set(GIVES))
VERSIONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


def of_code(code):
    function = {"class_name": "__lambda__", "config": {"code": code}}
    return graph(entry("Lambda", "f", placed(X), function=function))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("body", GIVES)
def test_a_body_gives_what_it_says_whatever_version_wrote_it(body, version, rng):
    windows = rng.normal(size=(3, 6, 4))
    ours = predict(of_code(CODES[body][version]), windows)
    np.testing.assert_allclose(ours, GIVES[body](windows), rtol=1e-13)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("body", REFUSED)
def test_any_other_body_is_refused(body, version):
    with pytest.raises(UnsupportedModel, match="no slice, sum or arithmetic"):
        of_code(CODES[body][version])


def test_a_name_from_elsewhere_is_assumed_and_a_slice_is_not():
    told = of_code(CODES["lambda x: K.sum(x, axis=1)"]["3.11"])
    (said,) = still_assumed(told.origin)
    assert said == "the name K in the code of the layer f stands for Keras's own library"
    assert still_assumed(of_code(CODES["lambda x: x[:, -1, :]"]["3.11"]).origin) == ()


def test_damaged_code_ends_in_a_refusal_and_nothing_else():
    rng = np.random.default_rng(5)
    codes = [base64.b64decode(code) for each in CODES.values() for code in each.values()]
    for number in range(4000):
        code = bytearray(codes[number % len(codes)])
        for place in rng.integers(0, len(code), size=rng.integers(1, 4)):
            code[place] = rng.integers(0, 256)
        cut = bytes(code[: rng.integers(1, len(code) + 1)]) if number % 3 == 0 else bytes(code)
        try:
            expression_of(code_within(cut))
        except ValueError:
            continue


def test_code_may_nest_no_deeper_than_small_functions_do():
    with pytest.raises(ValueError, match="deep"):
        code_within(b")\x01" * 50 + b"N")
    with pytest.raises(ValueError, match="long"):
        code_within(b"N" * 200_000)
