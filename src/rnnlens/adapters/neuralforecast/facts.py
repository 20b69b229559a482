"""What a fitted model of neuralforecast says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rnnlens.arguments import did_you_mean
from rnnlens.errors import InputError, UnsupportedModel

__all__ = ["FUTURE", "NUMBERS", "PAST", "STATIC", "WHAT", "WINDOW", "Facts"]

WHAT = "a fitted model of neuralforecast"
#: What the network's inputs are called: neuralforecast's own names where it has them.
PAST, FUTURE, STATIC, WINDOW = "past", "futr_exog", "stat_exog", "window"
#: Scalers of each window that shift and stretch it, and what they do it by.
NUMBERS: dict[str | None, tuple[str, str]] = {
    "robust": ("median", "MAD"),
    "standard": ("mean", "standard deviation"),
    "revin": ("mean", "standard deviation"),
    "minmax": ("minimum", "range"),
    "minmax1": ("middle", "half range"),
}
UNSCALED = (None, "identity")
RECURRENT = ("LSTM", "GRU", "RNN")


@dataclass(frozen=True, eq=False)
class Facts:
    """A fitted model, and what it takes and gives.

    Parameters
    ----------
    model : object
        The model, a module of PyTorch.
    frequency : object
        Of the `NeuralForecast` around it; None where the model alone was given.
    recurrent : bool
        Whether it gives one step and is fed its own forecasts.
    steps, horizons, outputs : int
        Of its window, of its forecast, and numbers of each forecast (quantiles).
    hist, futr, stat : tuple of str
        Names of the exogenous columns.
    scaler : str or None
        How each window is scaled by itself.
    """

    model: Any
    frequency: Any
    recurrent: bool
    steps: int
    horizons: int
    outputs: int
    hist: tuple[str, ...]
    futr: tuple[str, ...]
    stat: tuple[str, ...]
    scaler: str | None

    @property
    def scaled(self) -> bool:
        """Whether each window is scaled by numbers of its own."""
        return self.scaler in NUMBERS

    @classmethod
    def of(cls, source: Any, part: str | None = None) -> Facts:
        """Ask a model, or the one of a `NeuralForecast` that is meant."""
        frequency, models = None, [source]
        if hasattr(source, "models"):
            frequency, models = source.freq, _models_of(source)
        chosen = models[0] if part is None and len(models) == 1 else _chosen(models, part)
        model = getattr(chosen, "model", None) or chosen  # what AutoLSTM and its like found best
        name = type(model).__name__
        if not hasattr(model, "RECURRENT"):
            raise UnsupportedModel(
                f"this {name} is of neuralforecast before 3.0, which runs over whole series and "
                "not over windows: fit it with neuralforecast 3"
            )
        loss, scaler = model.loss, model.scaler.scaler_type
        if scaler not in NUMBERS and scaler not in UNSCALED:
            raise UnsupportedModel(
                f"{name} scales windows by scaler_type={scaler!r}, which bends the values, and "
                f"rnnlens takes {', '.join(map(str, NUMBERS))} and identity: fit it with one of "
                "these"
            )
        recurrent, outputs = bool(model.RECURRENT), int(loss.outputsize_multiplier)
        if (
            loss.is_distribution_output
            or "IQ" in type(loss).__name__
            or (recurrent and outputs > 1)
        ):
            raise UnsupportedModel(
                f"{name} was fitted with {type(loss).__name__}, whose forecasts are drawn or fed "
                "back as means: fit it with a loss of points, such as MAE(), or with "
                "recurrent=False and MQLoss()"
            )
        if getattr(model, "categorical_cardinalities", None):
            raise UnsupportedModel(
                f"{name} embeds categories (categorical_cardinalities), which rnnlens does not "
                "follow: fit it with columns of numbers"
            )
        steps = model.inference_input_size if recurrent else model.input_size
        lists = (model.hist_exog_list, model.futr_exog_list, model.stat_exog_list)
        hist, futr, stat = (tuple(map(str, one or ())) for one in lists)
        horizons = int(getattr(model, "horizon_backup", model.h))
        return cls(
            model, frequency, recurrent, int(steps), horizons, outputs, hist, futr, stat, scaler
        )


def _models_of(source: Any) -> list[Any]:
    """Give the recurrent models that a `NeuralForecast` holds."""
    if getattr(source, "local_scaler_type", None) is not None:
        raise UnsupportedModel(
            f"NeuralForecast(local_scaler_type={source.local_scaler_type!r}) scales each series by "
            "itself before its models see it, and results of several would be in different units: "
            "fit it without, for models scale each window themselves (scaler_type)"
        )
    models = [one for one in source.models if _kind(one) in RECURRENT]
    if not models:
        raise UnsupportedModel(
            f"NeuralForecast holds {', '.join(type(one).__name__ for one in source.models)}, and "
            f"rnnlens reads {', '.join(RECURRENT)}: fit one of these"
        )
    if not getattr(source, "_fitted", True):
        raise InputError("NeuralForecast is not fitted yet: fit it, or load it with its load(path)")
    return models


def _kind(model: Any) -> str:
    return type(getattr(model, "model", None) or model).__name__.removeprefix("Auto")


def _chosen(models: list[Any], part: str | None) -> Any:
    names = [str(one) for one in models]  # a model's alias, or its class
    if part in names:
        return models[names.index(part)]
    if part is None:
        raise InputError(
            f"NeuralForecast holds {len(models)} recurrent models, {', '.join(names)}: say which "
            f'is meant, part="{names[0]}", or give that of nf.models alone'
        )
    raise InputError(
        f"NeuralForecast has no part {part!r}{did_you_mean(part, names)}: it holds "
        f"{', '.join(names)}"
    )
