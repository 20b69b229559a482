"""What a fitted `RecurrentNetwork` of pytorch-forecasting says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlens.errors import InputError, UnsupportedModel

__all__ = ["KNOWN", "PAST", "STATIC", "WHAT", "WINDOW", "Facts"]

WHAT = "a fitted model of pytorch-forecasting"
#: What the network's inputs are called: pytorch-forecasting's own names where it has them.
PAST, KNOWN, STATIC, WINDOW = "past", "time_varying_known_reals", "static_reals", "target_scale"
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
    target : str
        What is forecast.
    steps, horizons : int
        Of its window, and of its forecast.
    known, static : tuple of str
        Names of the columns that are known ahead, and of those that do not change in time.
    scales : tuple of str
        Which of the target's center and scale the recurrent layers take as columns of their own.
    scaled : bool
        Whether a window has a center and a scale of its own, or of its series.
    """

    model: Any
    parameters: dict[str, Any]
    target: str
    steps: int
    horizons: int
    known: tuple[str, ...]
    static: tuple[str, ...]
    scales: tuple[str, ...]
    scaled: bool

    @property
    def normalizer(self) -> Any:
        """What scales the target."""
        return self.parameters["target_normalizer"]

    @property
    def cut_at_zero(self) -> bool:
        """Whether a forecast below zero is given as zero."""
        return self.normalizer.transformation == "relu"

    @property
    def both(self) -> tuple[float, float]:
        """Center and scale of the target, of a model whose windows share them."""
        if hasattr(self.normalizer, "norm_"):
            norm = self.normalizer.norm_
            return float(norm["center"]), float(norm["scale"])
        return float(self.normalizer.center_), float(self.normalizer.scale_)

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
        name, given, parameters = type(model).__name__, model.hparams, _parameters_of(model)
        target, normalizer = given.target, parameters["target_normalizer"]
        if not isinstance(target, str):
            raise UnsupportedModel(
                f"the {name} forecasts several targets at once, {', '.join(map(str, target))}, and "
                "rnnlens reads those of one: fit one model for each"
            )
        loss = type(model.loss).__name__
        if loss not in POINTS:
            raise UnsupportedModel(
                f"the {name} was fitted with {loss}, whose forecasts are drawn, or bent by the "
                f"loss itself: fit it with a loss of points, such as MAE()"
            )
        categories = [*given.static_categoricals, *given.x_categoricals]
        if categories:
            raise UnsupportedModel(
                f"the {name} embeds categories, {', '.join(dict.fromkeys(categories))}, which "
                "rnnlens does not follow: fit it on columns of numbers, such as one of 0 and 1 "
                "for each category"
            )
        if given.target_lags:
            raise UnsupportedModel(
                f"the {name} takes lags of its target as columns (lags={{{target!r}: ...}}), which "
                "rnnlens does not follow: fit it on a TimeSeriesDataSet without lags of the "
                "target, for its encoder sees these steps anyway where it is long enough"
            )
        if normalizer.transformation not in TRANSFORMATIONS:
            raise UnsupportedModel(
                f"the {name} bends its target by transformation={normalizer.transformation!r}, and "
                "rnnlens takes those that shift and stretch it: fit it with "
                f"target_normalizer={type(normalizer).__name__}(transformation=None)"
            )
        scales = tuple(f"{target}_{one}" for one in ("center", "scale"))
        scaled = _per_window(normalizer)
        own = {target, *(scales if scaled else ())}
        static = tuple(one for one in given.static_reals if one not in own)
        known = tuple(one for one in given.x_reals if one not in {*own, *given.static_reals})
        return cls(
            model,
            parameters,
            target,
            int(parameters["max_encoder_length"]),
            int(parameters["max_prediction_length"]),
            known,
            static,
            tuple(one for one in scales if scaled and one in given.x_reals),
            scaled,
        )


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
