"""Pipelines of scikit-learn around a Keras network; a stand-in wraps it as scikeras does."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, StandardScaler

import rnnlens
from rnnlens.adapters.scikeras import to_native
from rnnlens.errors import DataError, InputError, UnsupportedModel

STEPS, FEATURES, ROWS = 6, 2, 30


class BaseWrapper(RegressorMixin, BaseEstimator):
    """What rnnlens looks at of scikeras: a fitted network under ``model_``, and `predict`."""

    __module__ = "scikeras.wrappers"

    def __init__(self, flat=True):
        self.flat = flat

    def fit(self, X, y):
        import keras

        keras.utils.set_random_seed(1)
        begin = [keras.layers.Reshape((STEPS, FEATURES))] if self.flat else []
        self.model_ = keras.Sequential([
            keras.Input(X.shape[1:]),
            *begin,
            keras.layers.LSTM(3),
            keras.layers.Dense(1),
        ])
        return self

    def predict(self, X):
        return np.asarray(self.model_(np.asarray(X, np.float32)).detach())[:, 0]


@pytest.fixture
def rows(rng):
    X = rng.normal(12, 3, size=(ROWS, STEPS * FEATURES))
    return X, 7 + 2 * X[:, -1] + rng.normal(size=ROWS)


def test_a_pipeline_with_scalers_before_and_behind_is_one_network(rows):
    X, y = rows
    pipeline = make_pipeline(MinMaxScaler(), "passthrough", StandardScaler(), BaseWrapper())
    model = TransformedTargetRegressor(pipeline, transformer=StandardScaler()).fit(X, y)
    windows = rnnlens.windows(model, X)
    assert windows.values.shape == (ROWS, STEPS, FEATURES)
    net = rnnlens.read(model)
    # Keras computes in single precision
    forecast = rnnlens.predict(net, windows)
    np.testing.assert_allclose(forecast[:, 0], model.predict(X), rtol=2e-6)
    explained = rnnlens.explain(net, windows, method="secant", baseline="zero")
    sums = to_native(explained).groupby("sample").contribution.sum()
    total = sums.to_numpy() + explained["baseline_forecast"].to_numpy()
    np.testing.assert_allclose(total, model.predict(X), rtol=2e-6)
    assert explained.lag.to_numpy().tolist() == [*range(1, STEPS + 1)]


def test_a_network_without_scalers_is_read_as_it_is(rows):
    X, y = rows
    windows = X.reshape(ROWS, STEPS, FEATURES)
    model = make_pipeline(BaseWrapper(flat=False)).fit(windows, y)
    made = rnnlens.predict(model, rnnlens.windows(model, windows))
    np.testing.assert_allclose(made[:, 0], model.predict(windows), rtol=2e-6)


def test_what_is_not_fitted_or_no_network_or_bent_is_refused(rows):
    X, y = rows
    with pytest.raises(InputError, match="the BaseWrapper is not fitted yet"):
        rnnlens.read(make_pipeline(StandardScaler(), BaseWrapper()))
    with pytest.raises(InputError, match="the TransformedTargetRegressor is not fitted yet"):
        rnnlens.read(TransformedTargetRegressor(BaseWrapper()))
    with pytest.raises(UnsupportedModel, match="the pipeline ends in StandardScaler"):
        rnnlens.read(make_pipeline(StandardScaler()))
    bent = make_pipeline(PowerTransformer(), BaseWrapper()).fit(X, y)
    with pytest.raises(UnsupportedModel, match="the pipeline's PowerTransformer bends the values"):
        rnnlens.read(bent)
    with pytest.raises(InputError, match="takes none of these, but static was given"):
        rnnlens.windows(make_pipeline(BaseWrapper()).fit(X, y), X, static=1)


def test_encoders_of_a_users_own_and_scalers_that_do_not_fit_are_refused(rows):
    X, y = rows
    model = make_pipeline(StandardScaler(), BaseWrapper()).fit(X, y)
    model.steps[-1][1].feature_encoder_ = PowerTransformer()
    with pytest.raises(UnsupportedModel, match="has a feature_encoder_ of its own"):
        rnnlens.read(model)
    del model.steps[-1][1].feature_encoder_
    model.steps[0] = ("scale", StandardScaler().fit(X[:, :5]))
    with pytest.raises(UnsupportedModel, match="the pipeline's scaler has 5 columns"):
        rnnlens.read(model)


def test_a_network_without_steps_has_no_windows(rows):
    import keras

    X, y = rows
    model = make_pipeline(BaseWrapper()).fit(X, y)
    wrapper = model.steps[-1][1]
    wrapper.model_ = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with pytest.raises(DataError, match="which has no steps: give rows to the verbs"):
        rnnlens.windows(wrapper, X[:, :4])


def test_what_is_advised_about_a_pipeline_works(rows):
    import keras

    X, y = rows
    # fit it first, fit the pipeline first, and both on the same rows
    pipeline = make_pipeline(StandardScaler(), BaseWrapper())
    model = TransformedTargetRegressor(pipeline, transformer=StandardScaler()).fit(X, y)
    made = rnnlens.predict(rnnlens.read(model), rnnlens.windows(model, X))
    np.testing.assert_allclose(made[:, 0], model.predict(X), rtol=2e-6)
    # transform the data before the pipeline
    bent = PowerTransformer().fit_transform(X)
    pipeline = make_pipeline(StandardScaler(), BaseWrapper()).fit(bent, y)
    made = rnnlens.predict(pipeline, rnnlens.windows(pipeline, bent))
    np.testing.assert_allclose(made[:, 0], pipeline.predict(bent), rtol=2e-6, atol=1e-6)
    # give the network itself, with scaled arrays
    scaled, network = pipeline[0].transform(bent), pipeline[-1].model_
    made = rnnlens.predict(rnnlens.read(network), scaled)
    np.testing.assert_allclose(made[:, 0], pipeline.predict(bent), rtol=2e-6, atol=1e-6)
    # give rows to the verbs as they are
    pipeline[-1].model_ = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    made = rnnlens.predict(rnnlens.read(pipeline[-1]), X[:, :4])
    own = pipeline[-1].predict(X[:, :4])
    np.testing.assert_allclose(np.ravel(made), own, rtol=2e-6, atol=1e-6)
