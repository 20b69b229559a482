"""What a fitted `RecurrentNetwork` of pytorch-forecasting says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlens.errors import InputError, UnsupportedModel

__all__ = [
    "KNOWN",
    "KNOWN_CATEGORICALS",
    "PAST",
    "STATIC",
    "STATIC_CATEGORICALS",
    "WHAT",
    "WINDOW",
    "Facts",
]

WHAT = "a fitted model of pytorch-forecasting"
#: What the network's inputs are called: pytorch-forecasting's own names where it has them.
PAST, KNOWN, STATIC, WINDOW = "past", "time_varying_known_reals", "static_reals", "target_scale"
KNOWN_CATEGORICALS, STATIC_CATEGORICALS = "time_varying_known_categoricals", "static_categoricals"
#: Losses whose forecasts are points, given as the network computes them.
POINTS = ("MAE", "MAPE", "MASE", "RMSE", "SMAPE")
#: What a normalizer makes of the target before it scales it, and of the forecast behind: `relu`
#: changes nothing before, and cuts what is below zero behind.
TRANSFORMATIONS = (None, "relu")


@dataclass(frozen=True, eq=False)
class Facts:
    """A fitted model, and what it takes and gives.

    Parameters
    ----------
    model : object
        The model, a module of PyTorch.
    parameters : dict
        Of the `TimeSeriesDataSet` that it was made from.
    targets : tuple of str
        What is forecast.
    steps, horizons : int
        Of its encoder, and of its forecast.
    known, static : tuple of str
        Names of the columns that are known ahead, and of those that do not change in time.
    known_categoricals, static_categoricals : tuple of str
        The same, of those that hold categories.
    lagged : dict of str to (int, int)
        Which target each column of lags is of, by its place, and how many steps it lies behind.
    scaled : bool
        Whether a window has centers and scales of its own, or of its series.
    """

    model: Any
    parameters: dict[str, Any]
    targets: tuple[str, ...]
    steps: int
    horizons: int
    known: tuple[str, ...]
    static: tuple[str, ...]
    known_categoricals: tuple[str, ...]
    static_categoricals: tuple[str, ...]
    lagged: dict[str, tuple[int, int]]
    scaled: bool

    @property
    def normalizers(self) -> list[Any]:
        """What scales each target."""
        return _each(self.parameters["target_normalizer"])

    @property
    def scales(self) -> dict[str, int]:
        """The columns of the targets' own centers and scales, by their places in `WINDOW`."""
        both = [f"{name}_{which}" for which in ("center", "scale") for name in self.targets]
        taken = self.model.hparams.x_reals
        return {name: k for k, name in enumerate(both) if self.scaled and name in taken}

    @property
    def before(self) -> int:
        """Steps before the encoder's first that lags of the targets reach back to."""
        return max((lag - 1 for _, lag in self.lagged.values()), default=0)

    @property
    def longest(self) -> int:
        """Rows of each series that pytorch-forecasting cuts off, for its longest lag."""
        return max(self.lag_columns.values(), default=0)

    @property
    def lag_columns(self) -> dict[str, int]:
        """The columns that pytorch-forecasting makes of earlier rows, of covariates too."""
        lags = self.parameters.get("lags") or {}
        return {f"{of}_lagged_by_{lag}": lag for of, each in lags.items() for lag in each}

    @property
    def cut_at_zero(self) -> list[bool]:
        """Whether a forecast below zero is given as zero, by target."""
        return [one.transformation == "relu" for one in self.normalizers]

    def shared(self, place: int) -> tuple[float, float]:
        """Give center and scale of a target that all windows share."""
        normalizer = self.normalizers[place]
        if hasattr(normalizer, "norm_"):
            return float(normalizer.norm_["center"]), float(normalizer.norm_["scale"])
        return float(normalizer.center_), float(normalizer.scale_)

    def scale_line(self, name: str) -> tuple[float, float]:
        """Give the line by which the target's center, or scale, becomes a column: slope, offset."""
        scaler = self.parameters["scalers"].get(name)
        if scaler is None:
            return 1.0, 0.0
        zero, one = (float(v) for v in np.ravel(scaler.transform(np.array([[0.0], [1.0]]))))
        return one - zero, zero

    @classmethod
    def of(cls, model: Any) -> Facts:
        """Ask a model."""
        given, parameters = model.hparams, _parameters_of(model)
        targets = (given.target,) if isinstance(given.target, str) else tuple(given.target)
        _refuse_other(model, parameters)
        still, own = _flat(model, given.static_categoricals), {*targets}
        # lags of categories are columns that the library lays out and no table embeds
        embedded = _flat(model, list(model.embeddings.embeddings.keys()))
        categoricals = [name for name in given.x_categoricals if name in embedded]
        scaled = any(map(_per_window, _each(parameters["target_normalizer"])))
        if scaled:
            own |= {f"{name}_{which}" for which in ("center", "scale") for name in targets}
        lagged = {
            name: (targets.index(of), int(lag))
            for of, columns in given.target_lags.items()
            for name, lag in columns.items()
        }
        return cls(
            model,
            parameters,
            targets,
            int(parameters["max_encoder_length"]),
            int(parameters["max_prediction_length"]),
            tuple(n for n in given.x_reals if n not in {*own, *given.static_reals, *lagged}),
            tuple(name for name in given.static_reals if name not in own),
            tuple(name for name in categoricals if name not in still),
            tuple(name for name in categoricals if name in still),
            lagged,
            scaled,
        )


def _refuse_other(model: Any, parameters: dict[str, Any]) -> None:
    """Refuse a model whose forecast is drawn, bent, or read from what nobody knows yet."""
    name, horizons = type(model).__name__, int(parameters["max_prediction_length"])
    for one in getattr(model.loss, "metrics", [model.loss]):
        if type(one).__name__ not in POINTS:
            raise UnsupportedModel(
                f"the {name} was fitted with {type(one).__name__}, whose forecasts are drawn, or "
                f"bent by the loss itself: fit it with a loss of points, such as MAE()"
            )
    for one in _each(parameters["target_normalizer"]):
        if one.transformation not in TRANSFORMATIONS:
            raise UnsupportedModel(
                f"the {name} bends its target by transformation={one.transformation!r}, and "
                "rnnlens takes those that shift and stretch it: fit it with "
                f"target_normalizer={type(one).__name__}(transformation=None)"
            )
    for of, columns in model.hparams.target_lags.items():
        lag = min(columns.values(), default=horizons)
        if lag < horizons:
            raise UnsupportedModel(
                f"the {name} takes {of!r} lagged by {lag} as a column and forecasts "
                f"{horizons} steps, of which pytorch-forecasting then takes step {lag + 1} from "
                f"the observation at step 1, which is not known when a forecast is issued: fit it "
                f"with lags of {horizons} or more"
            )


def _each(normalizer: Any) -> list[Any]:
    """Give the normalizer of each target."""
    return list(getattr(normalizer, "normalizers", [normalizer]))


def _flat(model: Any, names: list[str]) -> set[str]:
    """Give the columns of categories, those of a group of them by themselves."""
    groups = getattr(model.hparams, "categorical_groups", None) or {}
    return {column for name in names for column in groups.get(name, [name])}


def _parameters_of(model: Any) -> dict[str, Any]:
    """Give the parameters of the data that a model was made from."""
    parameters = getattr(model, "dataset_parameters", None)
    if parameters is None:
        raise InputError(
            f"this {type(model).__name__} does not know the TimeSeriesDataSet that it was fitted "
            f"on: make it by {type(model).__name__}.from_dataset(dataset), or load it by "
            f"{type(model).__name__}.load_from_checkpoint(path)"
        )
    if int(parameters["max_encoder_length"]) < 2:
        raise UnsupportedModel(
            f"this {type(model).__name__} has an encoder of one step (max_encoder_length=1), and "
            "rnnlens reads windows of two and more: fit it with max_encoder_length=2 or more"
        )
    return parameters


def _per_window(normalizer: Any) -> bool:
    """Tell whether center and scale are of a window, or of its series, rather than of all."""
    kinds = {kind.__name__ for kind in type(normalizer).__mro__}
    return "EncoderNormalizer" in kinds or bool(getattr(normalizer, "groups", None))
