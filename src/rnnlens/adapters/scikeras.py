"""Keras networks in scikit-learn: wrapped by scikeras, in a pipeline, behind a scaled target.

The scaler before the network and that of the target are lines, so they become layers of the network
that is read: it takes what the pipeline takes and gives what it predicts. Where the network begins
by laying a row out as steps, that is undone, and the row's numbers are (step, feature) from the
start, each with its own scaling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.adapters.given import SeriesGiven, refuse_beside
from rnnlens.adapters.tidy import tidy
from rnnlens.adapters.versions import named
from rnnlens.errors import DataError, InputError, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.check import check
from rnnlens.network.layers import Input, Rescaling, Reshape
from rnnlens.network.network import Network, Node, Ref, Source
from rnnlens.readers.open import read as read_keras
from rnnlens.series.arrays import windows_from_arrays
from rnnlens.series.scalers.variables import columns_given

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from rnnlens.readers.options import ReadOptions
    from rnnlens.series.windows import Windows

__all__ = ["TAKES", "WHAT", "read", "to_native", "windows"]

WHAT = "a Keras network wrapped for scikit-learn"
TAKES: frozenset[str] = frozenset()
#: Steps of a pipeline that change nothing.
NOTHING = (None, "passthrough")
#: What scikeras puts around a network by itself, which only lays numbers out.
OWN_ENCODERS = ("FunctionTransformer", "RegressorTargetEncoder", "ClassifierLabelEncoder")


def read(source: object, options: ReadOptions) -> Network:
    """Read the network, its scalers laid before and behind it as layers."""
    wrapper, before, behind = _taken_apart(source)
    network = read_keras(wrapper.model_, options)
    if before:
        network = _scaled_before(network, _line(before))
    if behind is not None:
        network = _scaled_behind(network, _line([behind]))
    notes = list(network.origin.notes)
    if before or behind is not None:
        notes.append(told("the scalers of the pipeline are layers of the network"))
    origin = replace(network.origin, format=named("scikeras"), notes=tuple(notes))
    return check(replace(network, origin=origin, name=type(wrapper).__name__))


def windows(source: object, series: Any, given: SeriesGiven) -> Windows:
    """Lay rows out as the windows that the network takes: (sample, step x feature) or apart."""
    from rnnlens.readers.options import ReadOptions

    refuse_beside(given, (), WHAT)
    network = read(source, ReadOptions())
    shape = next(iter(network.inputs.values())).shape
    values = np.asarray(series.to_numpy() if hasattr(series, "to_numpy") else series)
    if len(shape) != 2:
        raise DataError(
            f"the network takes {shape} a sample, which has no steps: give rows to the verbs as "
            "they are"
        )
    steps, features = shape
    if values.ndim == 2 and steps and features and values.shape[1] == steps * features:
        values = values.reshape(len(values), steps, features)
    return windows_from_arrays(values, scaled=True)


def to_native(explained: xr.Dataset | xr.DataTree) -> pd.DataFrame:
    """Give an explanation as a DataFrame.

    Parameters
    ----------
    explained : Dataset or DataTree
        What `rnnlens.explain` gives of a pipeline's rows.

    Returns
    -------
    DataFrame
        A row a contribution: ``sample``, ``feature``, ``lag``, ``contribution``, ``forecast`` and
        ``baseline_forecast``, in the unit of what the pipeline predicts. The rows of a sample, and
        its baseline's forecast, sum to what ``predict`` gives.

    Raises
    ------
    InputError
        If it is of a method that does not sum.
    """
    if hasattr(explained, "drop_vars"):  # rows are numbered: nothing says when
        explained = explained.drop_vars(["time", "issued"], errors="ignore")  # type: ignore[union-attr]
    return tidy(explained, group="group", time="time", issued="issued")


def _taken_apart(source: Any) -> tuple[Any, list[Any], Any]:
    """Give the wrapper of the network, the scalers before it, and that of the target."""
    behind = None
    if hasattr(source, "regressor"):
        behind, source = getattr(source, "transformer_", None), getattr(source, "regressor_", None)
        if source is None:
            raise InputError("the TransformedTargetRegressor is not fitted yet: fit it first")
    before: list[Any] = []
    while hasattr(source, "steps"):
        before += [one for _, one in source.steps[:-1] if one not in NOTHING]
        source = source.steps[-1][1]
    if not any(kind.__module__.startswith("scikeras.") for kind in type(source).__mro__):
        raise UnsupportedModel(
            f"the pipeline ends in {type(source).__name__}, and rnnlens reads those that end in a "
            "KerasRegressor or KerasClassifier of scikeras: give the network itself"
        )
    if not hasattr(source, "model_"):
        raise InputError(f"the {type(source).__name__} is not fitted yet: fit the pipeline first")
    for name in ("feature_encoder_", "target_encoder_"):
        encoder = getattr(source, name, None)
        if encoder is not None and type(encoder).__name__ not in OWN_ENCODERS:
            raise UnsupportedModel(
                f"the {type(source).__name__} has a {name} of its own, {type(encoder).__name__}, "
                f"which rnnlens does not follow: give the network, {type(source).__name__}.model_"
            )
    return source, before, behind


def _line(scalers: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give mean and scale of each column, of scalers one after the other."""
    mean, scale = np.zeros(1), np.ones(1)
    for scaler in scalers:
        lines = columns_given(scaler).lines
        if any(line.transform is not None for line in lines):
            raise UnsupportedModel(
                f"the pipeline's {type(scaler).__name__} bends the values, and rnnlens takes those "
                "that shift and stretch them: transform the data before the pipeline"
            )
        own_mean = np.array([line.mean for line in lines])
        own_scale = np.array([line.scale for line in lines])
        # ((x - m) / s - m') / s' = (x - (m + s m')) / (s s')
        mean, scale = mean + scale * own_mean, scale * own_scale
    return mean, scale


def _scaled_before(
    network: Network, line: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Network:
    """Lay a scaler before the one input of a network; a row that becomes steps is steps already."""
    mean, scale = line
    if len(network.inputs) != 1:
        raise UnsupportedModel(
            f"the pipeline scales one table, and its network has {len(network.inputs)} inputs: "
            "give the network itself, with scaled arrays"
        )
    (name, entry), nodes = next(iter(network.inputs.items())), list(network.nodes)
    takers = [node for node in nodes if (name, 0) in node.inputs]
    shape = entry.shape
    dropped = None
    if len(takers) == 1 and isinstance(takers[0].layer, Reshape) and len(shape) == 1:
        dropped, shape = takers[0].name, takers[0].layer.shape
        nodes = [node for node in nodes if node.name != dropped]
    known = [size for size in shape if size is not None and size > 0]
    if int(np.prod(known)) == len(mean) and len(known) == len(shape):
        laid = tuple(known)
    elif len(mean) == shape[-1]:
        laid = (len(mean),)
    else:
        raise UnsupportedModel(
            f"the pipeline's scaler has {len(mean)} columns, and its network takes {entry.shape} a "
            "sample: fit both on the same rows"
        )
    layer = Rescaling((1 / scale).reshape(laid), (-mean / scale).reshape(laid))
    here = "scaler" if all(node.name != "scaler" for node in nodes) else "scaler_of_the_pipeline"
    sources = {
        "scale": Source("1 over the scale of the pipeline's scaler"),
        "offset": Source("minus mean over scale of the pipeline's scaler"),
    }

    def moved(ref: Ref) -> Ref:
        return (here, 0) if ref[0] in {name, dropped} else ref

    made = []
    for node in nodes:
        if node.name == name:
            made.append(replace(node, layer=Input(laid if dropped else entry.shape)))
            made.append(Node(here, layer, ((name, 0),), sources))
        else:
            made.append(replace(node, inputs=tuple(moved(ref) for ref in node.inputs)))
    outputs = tuple(moved(ref) for ref in network.outputs)
    return replace(network, nodes=tuple(made), outputs=outputs)


def _scaled_behind(
    network: Network, line: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Network:
    """Undo the scaling of the target behind the one output of a network."""
    mean, scale = line
    layer = Rescaling(scale, mean)
    name = "target_scaler"
    sources = {"scale": Source("scale of the target"), "offset": Source("mean of the target")}
    node = Node(name, layer, network.outputs[:1], sources)
    return replace(network, nodes=(*network.nodes, node), outputs=((name, 0),))
