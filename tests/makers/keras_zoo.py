"""Functional Keras models as people draw them, small, each with its windows and what it stands for.

Each maker takes entries and gives outputs; the entries are made from the shapes beside it. Names
say what stands around the recurrent layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers as L
from keras import ops

from keras_models import scrambled

__all__ = ["REFUSED", "ZOO", "Drawn", "drawn"]

STEPS, FEATURES = 8, 3
SERIES = {"series": (STEPS, FEATURES)}
STATIC = SERIES | {"static": (2,)}
FUTURE = SERIES | {"future": (4, 2)}
TOKENS = SERIES | {"day": (STEPS,)}

#: A maker by its name, with the shapes of its entries.
Entry = tuple[dict[str, tuple[int, ...]], Callable[..., Any]]


@dataclass(frozen=True)
class Drawn:
    """A model and windows for it."""

    model: keras.Model
    inputs: dict[str, np.ndarray]


def drawn(name: str, zoo: dict[str, Entry] | None = None) -> Drawn:
    """Build one of the models with distinct random weights, and windows for it."""
    keras.utils.clear_session(free_memory=False)
    shapes, make = (zoo or ZOO)[name]
    rng = np.random.default_rng(len(name))
    entries, inputs = {}, {}
    for entry, shape in shapes.items():
        whole = entry in {"day", "kind"}
        entries[entry] = keras.Input(shape, name=entry, dtype="int32" if whole else "float32")
        size = (3, *shape)
        inputs[entry] = rng.integers(0, 5, size) if whole else rng.normal(size=size)
        if entry == "padded":
            inputs[entry][0, 5:] = 0.0
            inputs[entry][1, 3:] = 0.0
        inputs[entry] = inputs[entry].astype("int32" if whole else "float32")
    outputs = make(**entries)
    return Drawn(scrambled(keras.Model(list(entries.values()), outputs), scale=0.4), inputs)


ZOO: dict[str, Entry] = {}


def graph(shapes: dict[str, tuple[int, ...]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a maker under the words of its name."""

    def enter(make: Callable[..., Any]) -> Callable[..., Any]:
        ZOO[make.__name__.replace("_", " ")] = (shapes, make)
        return make

    return enter


def steps_of(series: Any, units: int = 3) -> Any:
    return L.LSTM(units, return_sequences=True)(series)


# --- residuals -----------------------------------------------------------------------------------


@graph(SERIES)
def residual_by_plus(series):
    return L.Dense(1)(L.LSTM(3)(steps_of(series) + series))


@graph(SERIES)
def residual_on_the_last_value(series):
    return series[:, -1, :1] + L.Dense(1)(L.GRU(4)(series))


@graph(SERIES)
def highway_gate(series):
    gate = L.Dense(3, activation="sigmoid")(series)
    return L.Dense(1)(L.LSTM(2)(gate * steps_of(series) + (1.0 - gate) * series))


@graph(SERIES)
def two_residual_blocks(series):
    one = steps_of(series) + series
    return L.Dense(2)((steps_of(one) + one)[:, -1])


@graph(SERIES)
def linear_shortcut(series):
    return L.Dense(2)(L.LSTM(4)(series)) + L.Dense(2)(L.Flatten()(series))


@graph(SERIES)
def scaled_residual(series):
    return L.Dense(1)(L.LSTM(3)(L.LayerNormalization()(series + 0.1 * steps_of(series))))


@graph(SERIES)
def differences_beside_levels(series):
    changes = series[:, 1:] - series[:, :-1]
    return L.Dense(1)(ops.concatenate([L.LSTM(3)(changes), L.LSTM(2)(series)], axis=-1))


# --- attention -----------------------------------------------------------------------------------


@graph(SERIES)
def softmax_pooling(series):
    steps = steps_of(series)
    weights = ops.softmax(L.Dense(1)(steps), axis=1)
    return L.Dense(1)(ops.sum(weights * steps, axis=1))


@graph(SERIES)
def attention_by_repeat_and_permute(series):
    steps = steps_of(series, 4)
    weights = L.Activation("softmax")(L.Flatten()(L.Dense(1, activation="tanh")(steps)))
    wide = L.Permute((2, 1))(L.RepeatVector(4)(weights))
    return L.Dense(1)(L.Lambda(lambda x: ops.sum(x, axis=1))(L.Multiply()([steps, wide])))


@graph(SERIES)
def attention_by_the_last_state(series):
    steps, last, _ = L.LSTM(3, return_sequences=True, return_state=True)(series)
    weights = L.Softmax()(L.Dot(axes=(2, 1))([steps, last]))
    return L.Dense(1)(L.Concatenate()([L.Dot(axes=(1, 1))([weights, steps]), last]))


@graph(SERIES)
def attention_of_bahdanau(series):
    steps, last, _ = L.LSTM(3, return_sequences=True, return_state=True)(series)
    scores = L.Dense(1)(ops.tanh(L.Dense(4)(steps) + L.Dense(4)(ops.expand_dims(last, 1))))
    return L.Dense(1)(ops.sum(ops.softmax(scores, axis=1) * steps, axis=1))


@graph(SERIES)
def attention_layer(series):
    steps = steps_of(series)
    return L.Dense(1)(L.GlobalAveragePooling1D()(L.Attention(use_scale=True)([steps, steps])))


@graph(SERIES)
def attention_of_concatenation(series):
    steps = steps_of(series)
    mixed = L.Attention(use_scale=True, score_mode="concat")([steps, L.Dense(3)(series)])
    return L.Dense(1)(mixed[:, -1])


@graph(SERIES)
def additive_attention(series):
    steps = steps_of(series)
    return L.Dense(1)(L.LSTM(2)(L.AdditiveAttention()([steps, steps])))


@graph(SERIES)
def causal_attention(series):
    steps = steps_of(series)
    return L.Dense(1)(L.Attention()([steps, steps], use_causal_mask=True)[:, -1])


@graph(SERIES)
def multi_head_self_attention(series):
    steps = steps_of(series, 4)
    mixed = L.LayerNormalization()(steps + L.MultiHeadAttention(2, 2)(steps, steps))
    return L.Dense(1)(mixed[:, -1])


@graph(FUTURE)
def multi_head_attention_of_a_decoder(series, future):
    past, ahead = steps_of(series, 4), L.GRU(3, return_sequences=True)(future)
    return L.Dense(1)(L.MultiHeadAttention(2, 3, value_dim=2, output_shape=5)(ahead, past))


@graph(SERIES)
def multi_head_attention_that_is_causal(series):
    steps = steps_of(series)
    mixed, weights = L.MultiHeadAttention(1, 3, use_bias=False)(
        steps, steps, use_causal_mask=True, return_attention_scores=True
    )
    return [L.Dense(1)(mixed[:, -1]), weights]


@graph(SERIES)
def attention_over_features(series):
    weights = L.Dense(FEATURES, activation="softmax")(series)
    return L.Dense(1)(L.LSTM(3)(L.Multiply()([series, weights])))


@graph(SERIES)
def attention_by_einsum(series):
    steps = steps_of(series)
    scores = ops.einsum("bqd,bkd->bqk", steps, L.Dense(3)(steps)) / 3.0**0.5
    return L.Dense(1)(ops.einsum("bqk,bkd->bqd", ops.softmax(scores), steps)[:, -1])


@graph(SERIES)
def attention_by_matmul(series):
    steps = steps_of(series)
    scores = ops.matmul(steps, ops.transpose(steps, (0, 2, 1)))
    return L.Dense(1)(ops.mean(ops.matmul(ops.softmax(scores, axis=-1), steps), axis=1))


# --- several inputs, and statics at each place ------------------------------------------------


@graph(SERIES | {"other": (5, 2)})
def two_series_of_different_length(series, other):
    return L.Dense(1)(L.Concatenate()([L.LSTM(3)(series), L.GRU(2)(other)]))


@graph(TOKENS)
def tokens_beside_the_series(series, day):
    return L.Dense(1)(L.LSTM(3)(L.Concatenate()([series, L.Embedding(5, 2)(day)])))


@graph(FUTURE)
def known_future_beside_the_state(series, future):
    return L.Dense(4)(L.Concatenate()([L.LSTM(3)(series), L.Flatten()(future)]))


@graph(STATIC)
def statics_at_every_step(series, static):
    wide = L.RepeatVector(STEPS)(static)
    return L.Dense(1)(L.LSTM(3)(L.Concatenate()([series, wide])))


@graph(STATIC)
def statics_by_repeated_axis(series, static):
    wide = ops.repeat(ops.expand_dims(static, 1), STEPS, axis=1)
    return L.Dense(1)(L.LSTM(3)(ops.concatenate([series, wide], axis=-1)))


@graph(STATIC)
def statics_as_first_states(series, static):
    states = [L.Dense(3, activation="tanh")(static), L.Dense(3)(static)]
    return L.Dense(1)(L.LSTM(3)(series, initial_state=states))


@graph(STATIC)
def statics_behind_the_state(series, static):
    last = L.LSTM(3)(series)
    return L.Dense(1)(L.Dense(4, activation="relu")(L.Concatenate()([last, static])))


@graph(STATIC)
def statics_scale_and_shift(series, static):
    scale, shift = L.Dense(3)(static), L.Dense(3)(static)
    steps = steps_of(series)
    return L.Dense(1)(L.GRU(2)(ops.expand_dims(1.0 + scale, 1) * steps + ops.expand_dims(shift, 1)))


@graph(SERIES | {"kind": (1,)})
def category_behind_the_state(series, kind):
    code = L.Flatten()(L.Embedding(5, 2)(kind))
    return L.Dense(1)(L.Concatenate()([L.LSTM(3)(series), code]))


@graph(SERIES | {"h": (3,), "c": (3,)})
def states_from_outside(series, h, c):
    out, *states = L.LSTM(3, return_state=True)(series, initial_state=[h, c])
    return [L.Dense(1)(out), *states]


@graph({"left": (6, 2), "right": (6, 2)})
def one_layer_for_two_series(left, right):
    shared = L.LSTM(3)
    return L.Dense(1)(ops.abs(shared(left) - shared(right)))


@graph(SERIES)
def two_resolutions(series):
    coarse = L.AveragePooling1D(2)(series)
    return L.Dense(1)(L.Concatenate()([L.LSTM(2)(series), L.LSTM(2)(coarse)]))


@graph(SERIES)
def largest_of_two_branches(series):
    return L.Dense(1)(L.Maximum()([L.LSTM(3)(series), L.GRU(3)(series)]))


# --- sequence to sequence ------------------------------------------------------------------------


@graph(SERIES)
def encoder_and_repeat_vector(series):
    again = L.LSTM(3, return_sequences=True)(L.RepeatVector(4)(L.LSTM(4)(series)))
    return L.TimeDistributed(L.Dense(2))(again)


@graph(FUTURE)
def encoder_hands_its_states_over(series, future):
    _, h, c = L.LSTM(3, return_state=True)(series)
    return L.Dense(1)(L.LSTM(3, return_sequences=True)(future, initial_state=[h, c]))


@graph(FUTURE)
def two_way_encoder_hands_over(series, future):
    _, *states = L.Bidirectional(L.LSTM(2, return_state=True))(series)
    h, c = (L.Concatenate()([states[k], states[k + 2]]) for k in (0, 1))
    return L.Dense(1)(L.LSTM(4, return_sequences=True)(future, initial_state=[h, c]))


@graph(FUTURE)
def decoder_looks_back(series, future):
    past, h, c = L.LSTM(3, return_sequences=True, return_state=True)(series)
    ahead = L.LSTM(3, return_sequences=True)(future, initial_state=[h, c])
    seen = L.Attention()([ahead, past])
    return L.Dense(1)(L.Concatenate()([ahead, seen]))


@graph(SERIES)
def cells_in_a_stack(series):
    return L.Dense(1)(L.RNN([L.LSTMCell(3), L.GRUCell(2)])(series))


@graph(FUTURE)
def stack_hands_its_states_over(series, future):
    _, *states = L.RNN([L.GRUCell(2), L.SimpleRNNCell(3)], return_state=True)(series)
    decoder = L.RNN([L.GRUCell(2), L.SimpleRNNCell(3)], return_sequences=True)
    return L.Dense(1)(decoder(future, initial_state=states))


@graph(SERIES)
def stacks_both_ways(series):
    both = L.Bidirectional(L.RNN([L.LSTMCell(2), L.LSTMCell(3)], return_sequences=True))
    return L.Dense(1)(both(series)[:, 2])


@graph(SERIES)
def cell_both_ways(series):
    return L.Dense(1)(L.Bidirectional(L.RNN(L.GRUCell(2)), merge_mode="ave")(series))


@graph(SERIES)
def model_on_every_step(series):
    head = keras.Sequential([L.Input((3,)), L.Dense(4, activation="relu"), L.Dense(2)])
    return L.TimeDistributed(head)(steps_of(series))


@graph({"days": (3, 4, 2)})
def model_with_a_recurrent_layer_on_every_day(days):
    day = L.Input((4, 2))
    inner = keras.Model(day, L.Dense(3)(L.LSTM(3)(day) + day[:, -1, :1]))
    return L.Dense(1)(L.GRU(2)(L.TimeDistributed(inner)(days)))


# --- autoregressive ------------------------------------------------------------------------------


@graph(SERIES)
def three_steps_ahead_by_themselves(series):
    cell, head = L.LSTM(3, return_state=True), L.Dense(FEATURES)
    out, h, c = cell(series)
    ahead = [head(out)]
    for _ in range(2):
        out, h, c = cell(ops.expand_dims(ahead[-1], 1), initial_state=[h, c])
        ahead.append(head(out))
    return ops.stack(ahead, axis=1)


@graph(SERIES)
def steps_ahead_as_changes(series):
    cell, head = L.GRU(3, return_state=True), L.Dense(FEATURES)
    value, (out, h) = series[:, -1], cell(series)
    ahead = []
    for _ in range(3):
        value = value + head(out)
        ahead.append(value)
        out, h = cell(L.Reshape((1, FEATURES))(value), initial_state=h)
    return L.Concatenate()(ahead)


@graph(FUTURE)
def steps_ahead_with_known_future(series, future):
    encoder, decoder, head = L.GRU(3, return_state=True), L.GRU(3, return_state=True), L.Dense(1)
    _, h = encoder(series)
    value, ahead = series[:, -1, :1], []
    for k in range(3):
        given = ops.concatenate([ops.expand_dims(value, 1), future[:, k : k + 1]], axis=-1)
        out, h = decoder(given, initial_state=h)
        value = head(out)
        ahead.append(value)
    return ops.concatenate(ahead, axis=-1)


# --- masks ---------------------------------------------------------------------------------------


@graph({"padded": (7, 3)})
def masked_steps(padded):
    return L.Dense(1)(L.LSTM(3)(L.Masking()(padded)))


@graph({"padded": (7, 3)})
def masked_steps_whose_mask_an_operation_drops(padded):
    return L.Dense(1)(L.LSTM(3)(L.Masking()(padded) * 2.0))


@graph({"padded": (7, 3)})
def mean_of_the_real_steps(padded):
    steps = L.GRU(3, return_sequences=True)(L.Masking()(padded))
    real = ops.cast(ops.any(ops.not_equal(padded, 0.0), axis=-1, keepdims=True), "float32")
    return L.Dense(1)(ops.sum(steps * real, axis=1) / ops.sum(real, axis=1))


@graph({"padded": (7, 3)})
def attention_over_the_real_steps(padded):
    steps = L.LSTM(3, return_sequences=True)(L.Masking()(padded))
    return L.Dense(1)(L.Attention()([steps, steps])[:, 0])


@graph({"padded": (7, 3)})
def cells_over_the_real_steps(padded):
    return L.Dense(1)(L.RNN([L.LSTMCell(2), L.LSTMCell(2)])(L.Masking()(padded)))


@graph({"day": (STEPS,)})
def tokens_with_padding(day):
    return L.Dense(1)(L.GRU(3)(L.Embedding(5, 2, mask_zero=True)(day)))


# --- heads, and what stands before the recurrence ---------------------------------------------


@graph(SERIES)
def a_head_a_quantile(series):
    last = L.LSTM(3)(series)
    return [L.Dense(4, name=f"q{q}")(last) for q in (10, 50, 90)]


@graph(SERIES)
def horizons_by_quantiles(series):
    return L.Reshape((4, 3))(L.Dense(12)(L.LSTM(3)(series)))


@graph(SERIES)
def quantiles_that_never_cross(series):
    last = L.GRU(3)(series)
    widths = ops.softplus(L.Dense(3)(last))
    return L.Dense(1)(last) + ops.cumsum(widths, axis=-1)


@graph(SERIES)
def mean_and_spread(series):
    last = L.LSTM(3)(series)
    return ops.stack([L.Dense(2)(last), ops.exp(0.5 * L.Dense(2)(last))], axis=-1)


@graph(SERIES)
def direct_horizons(series):
    return L.Dense(6)(L.LSTM(4)(series))


@graph(SERIES)
def window_scaled_by_itself(series):
    mean, spread = ops.mean(series, axis=1, keepdims=True), ops.std(series, axis=1, keepdims=True)
    forecast = L.Dense(FEATURES)(L.LSTM(3)((series - mean) / (spread + 1e-3)))
    return forecast * ops.squeeze(spread, 1) + mean[:, 0]


@graph(SERIES)
def window_between_its_extremes(series):
    low, high = ops.min(series, axis=1, keepdims=True), ops.max(series, axis=1, keepdims=True)
    return L.Dense(1)(L.LSTM(3)((series - low) / (high - low)))


@graph(SERIES)
def logarithm_and_back(series):
    return ops.expm1(L.Dense(1)(L.LSTM(3)(ops.log1p(ops.abs(series)))))


@graph(SERIES)
def newest_steps_first(series):
    return L.Dense(1)(L.LSTM(3)(ops.flip(series, axis=1)))


@graph(SERIES)
def never_below_zero(series):
    raw = L.Dense(2)(L.LSTM(3)(series))
    return ops.where(raw > 0.0, raw, 0.01 * raw)


@graph(SERIES)
def clipped_inputs(series):
    return L.Dense(1)(L.LSTM(3)(ops.clip(series, -1.0, 1.0)))


@graph(SERIES)
def moments_of_the_states(series):
    steps = steps_of(series)
    parts = [ops.mean(steps, axis=1), ops.var(steps, axis=1), ops.max(steps, axis=1)]
    return L.Dense(1)(ops.concatenate(parts, axis=-1))


@graph(SERIES)
def hundredfold_by_lambda(series):
    return L.Lambda(lambda x: x * 100.0)(L.Dense(1)(L.LSTM(3)(series)))


@graph(SERIES)
def one_feature_by_lambda(series):
    one = L.Lambda(lambda x: x[:, :, :1])(series)
    return L.Dense(1)(L.Lambda(lambda x: x[:, -1, :])(steps_of(one)))


@graph(SERIES)
def convolution_before_the_cells(series):
    seen = L.MaxPooling1D(2)(L.Conv1D(4, 3, padding="causal", activation="relu")(series))
    return L.Dense(1)(L.RNN(L.LSTMCell(3))(seen))


@graph(SERIES)
def zeros_before_a_convolution(series):
    return L.Dense(1)(L.LSTM(3)(L.Conv1D(4, 3)(L.ZeroPadding1D((2, 0))(series))))


@graph(SERIES)
def steps_repeated_and_cut(series):
    return L.Dense(1)(L.GRU(3)(L.Cropping1D((1, 2))(L.UpSampling1D(2)(series))))


#: Graphs that are refused, and words of the sentence.
REFUSED: dict[str, tuple[Entry, str]] = {
    "median of the steps": (
        (SERIES, lambda series: L.Dense(1)(ops.median(steps_of(series), axis=1))),
        "'median' \\(Median\\) is not one that rnnlens reads",
    ),
    "mean over samples": (
        (SERIES, lambda series: L.Dense(1)(L.LSTM(3)(series - ops.mean(series, axis=0)))),
        "it works along the axis of the samples",
    ),
    "code that branches": (
        (
            SERIES,
            lambda series: L.Dense(1)(L.Lambda(lambda x: x if len(x.shape) > 1 else 1)(series)),
        ),
        "what the code says is no slice, sum or arithmetic",
    ),
    "masked steps in several heads": (
        (
            {"padded": (7, 3)},
            lambda padded: L.MultiHeadAttention(1, 2)(*[L.Masking()(padded)] * 2),
        ),
        "takes values that are masked",
    ),
    "place by what is computed": (
        (
            SERIES,
            lambda series: ops.take_along_axis(
                series, ops.argmax(series, axis=1, keepdims=True), axis=1
            ),
        ),
        "'argmax' \\(Argmax\\) is not one that rnnlens reads",
    ),
    "spectrum of the window": (
        (SERIES, lambda series: L.Dense(1)(ops.rfft(series[:, :, 0])[0])),
        "'rfft' \\(RFFT\\) is not one that rnnlens reads",
    ),
}
