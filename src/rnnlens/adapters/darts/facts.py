"""What a fitted model of darts says of itself, whatever its version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rnnlens.errors import InputError, UnsupportedModel

__all__ = ["FUTURE", "PAST", "STATIC", "WHAT", "WINDOW", "Facts"]

WHAT = "a fitted model of darts"
#: What the network's inputs are called: darts' own names where it has them.
PAST, FUTURE, STATIC, WINDOW = "past", "future_covariates", "static_covariates", "window"


@dataclass(frozen=True, eq=False)
class Facts:
    """A fitted model, and the sizes of what it takes and gives.

    Parameters
    ----------
    model : object
        The model of darts.
    module : object
        Its module of PyTorch.
    recurrent : bool
        Whether it gives one step and is fed its own forecasts: ``RNNModel``.
    steps, horizons, shift : int
        Of its window, of its forecast, and steps between the two.
    components : int
        Of the target.
    past, future, static : tuple of int
        Numbers of past covariates, of future covariates, and the shape of the static ones: rows
        (one, or one a component) and columns; zeros where there are none.
    quantiles : int
        Numbers that each forecast is given as.
    normalised : bool
        Whether each window is normalised by its own mean and spread (RINorm).
    """

    model: Any
    module: Any
    recurrent: bool
    steps: int
    horizons: int
    shift: int
    components: int
    past: int
    future: int
    static: tuple[int, int]
    quantiles: int
    normalised: bool

    @classmethod
    def of(cls, model: Any) -> Facts:
        """Ask a model."""
        module = getattr(model, "model", None)
        if module is None:
            raise InputError(
                f"the {type(model).__name__} of darts is not fitted yet: fit it, or load it with "
                f"{type(model).__name__}.load(path)"
            )
        sample = _sample_of(model.train_sample)
        target = sample["past_target"].shape
        shapes = {name: getattr(one, "shape", None) for name, one in sample.items()}
        static = shapes.get("static_covariates") if model.uses_static_covariates else None
        likelihood = getattr(module, "likelihood", None)
        if likelihood is not None and type(likelihood).__name__ != "QuantileRegression":
            raise UnsupportedModel(
                f"the {type(model).__name__} forecasts a distribution, "
                f"{type(likelihood).__name__}, whose parameters are bent by a function of the "
                "likelihood's own behind the network: fit it without likelihood=, or with "
                "QuantileRegression()"
            )
        recurrent = type(model).__name__ == "RNNModel" or hasattr(module, "V")
        return cls(
            model,
            module,
            recurrent,
            int(model.input_chunk_length),
            1 if recurrent else int(model.output_chunk_length),
            0 if recurrent else int(getattr(model, "output_chunk_shift", 0) or 0),
            int(target[-1]),
            _width(shapes.get("past_covariates")),
            _width(shapes.get("future_covariates")),
            (0, 0) if static is None else (int(static[-2]), int(static[-1])),
            int(getattr(module, "nr_params", 1)),
            bool(getattr(module, "use_reversible_instance_norm", False)),
        )


def _width(shape: Any) -> int:
    return 0 if shape is None else int(shape[-1])


#: What the tuples hold, before what is forecast, that older versions fit on, by their length.
TUPLES = {
    4: ("past_target", "past_covariates", "static_covariates"),
    5: ("past_target", "historic", "future_covariates", "static_covariates"),
    6: ("past_target", "past_covariates", "historic", "future_covariates", "static_covariates"),
}


def _sample_of(sample: Any) -> dict[str, Any]:
    """Give what a model was fitted on by name: a tuple in older versions, then an object."""
    if hasattr(sample, "past_target"):
        return {name: getattr(sample, name, None) for name in TUPLES[6]}
    if len(sample) not in TUPLES:
        raise UnsupportedModel(
            f"darts fitted the model on samples of {len(sample)} parts, and rnnlens knows those of "
            "0.35 to 0.48: use one of these versions, or read the module, "
            "rnnlens.read(model.model, example=batch)"
        )
    return dict(zip(TUPLES[len(sample)], sample, strict=False))
