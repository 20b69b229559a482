"""Pipelines of scikit-learn around a network of Keras that are not what a network is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from refused.registry import section
from rnnlens.api import read, windows

case = section("Pipelines of scikit-learn")

STEPS, FEATURES, ROWS = 3, 2, 12


class BaseWrapper(RegressorMixin, BaseEstimator):
    """What rnnlens looks at of scikeras: a fitted network under ``model_``."""

    __module__ = "scikeras.wrappers"


def fitted(model: keras.Model | None = None) -> Any:
    """Give a wrapper that holds a network."""
    wrapper: Any = BaseWrapper()
    wrapper.model_ = model or keras.Sequential([
        keras.Input((STEPS * FEATURES,)),
        keras.layers.Reshape((STEPS, FEATURES)),
        keras.layers.LSTM(2),
        keras.layers.Dense(1),
    ])
    return wrapper


def rows(columns: int = STEPS * FEATURES) -> np.ndarray:
    """Draw the rows of a table."""
    return np.random.default_rng(1).normal(5, 2, size=(ROWS, columns))


@case("no steps")
def _(_: Path) -> None:
    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    windows(fitted(dense), rows(4))


@case("a target that is not fitted")
def _(_: Path) -> None:
    read(TransformedTargetRegressor(BaseWrapper()))


@case("another end")
def _(_: Path) -> None:
    read(make_pipeline(StandardScaler()))


@case("not fitted")
def _(_: Path) -> None:
    read(make_pipeline(StandardScaler(), BaseWrapper()))


@case("an encoder of its own")
def _(_: Path) -> None:
    wrapper = fitted()
    wrapper.feature_encoder_ = PowerTransformer()
    read(make_pipeline(wrapper))


@case("a scaler that bends")
def _(_: Path) -> None:
    read(make_pipeline(PowerTransformer().fit(rows()), fitted()))


@case("several inputs")
def _(_: Path) -> None:
    one, other = keras.Input((STEPS, FEATURES), name="one"), keras.Input((2,), name="other")
    joined = keras.layers.Concatenate()([keras.layers.LSTM(2)(one), other])
    model = keras.Model([one, other], keras.layers.Dense(1)(joined))
    read(make_pipeline(StandardScaler().fit(rows()), fitted(model)))


@case("a scaler of other columns")
def _(_: Path) -> None:
    read(make_pipeline(StandardScaler().fit(rows(5)), fitted()))
