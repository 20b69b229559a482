"""Reading, running, and proving that both are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    import pandas as pd
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.network.network import Network
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.windows import Windows

__all__ = ["fidelity", "predict", "read", "windows"]


def read(
    source: str | PathLike[str] | object,
    *,
    example: Any = None,
    head: str | None = None,
    nonlinearity: str | None = None,
    weights: Mapping[str, ArrayLike] | None = None,
    batch_axes: Mapping[str, int] | None = None,
    architecture: str | PathLike[str] | None = None,
    layers: str | None = None,
) -> Network:
    """Read a trained network from a file or a live model.

    What the file holds decides how it is read, not its name. Nothing in it is executed. An option
    that a format does not take is refused.

    Parameters
    ----------
    source : path, live Keras 3 model, live PyTorch module, or state dict
        A ``.keras`` archive, an HDF5 file of Keras 1, 2, 3 or tf.keras, a PyTorch
        state dict (``.pt``, ``.pth``, safetensors), or a model object.
    example : array, tensor, or tuple of them, optional
        For a live PyTorch module, which needs it: input that it can be called on, batch included;
        its shape matters, its values do not.
    head : str, optional
        For a PyTorch state dict, which does not say what follows the recurrent layers: the name of
        the linear layer that is applied to the last hidden state, such as ``"fc"``. Without it the
        network ends with that state.
    nonlinearity : {"tanh", "relu"}, optional
        For a PyTorch state dict with plain recurrent layers: what they compute.
    weights : mapping of str to array, optional
        For an ONNX graph that takes weights as inputs: their values, by input name.
    batch_axes : mapping of str to int, optional
        For an ONNX graph that does not tell which axis of an input holds the samples: that axis,
        by input name.
    architecture : path, optional
        For a Keras file of weights alone: the JSON (``model.to_json()``) or YAML of its
        architecture. Without it, and without `layers`, the one ``.json`` beside the weights whose
        layers fit them serves, and the network's notes say so.
    layers : str, optional
        For a Keras file of weights alone: its layers in their order, such as
        ``"LSTM(tanh, sigmoid) > Dense(linear)"``.

    Returns
    -------
    Network
        The network, whatever it came from.

    Raises
    ------
    InputError
        If an option is missing, or one was given that the source does not take.
    MissingLibrary
        If the source needs a library that is not installed.
    UnreadableFile
        If there is no such file, or it is damaged or of another kind.
    UnsupportedModel
        If the model has a layer or an option that rnnlens does not implement.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> rnnlens.read(demo_files().network)
    <Network 'weather' from Keras 3 archive (.keras): Input > LSTM > Dense > Activate>
    """
    from rnnlens.readers.open import read as open_and_read
    from rnnlens.readers.options import Options

    options = Options(
        example=example,
        head=head,
        nonlinearity=nonlinearity,
        weights=weights,
        batch_axes=batch_axes,
        architecture=architecture,
        layers=layers,
    )
    return open_and_read(source, options)


def windows(
    data: str | PathLike[str] | pd.DataFrame | Mapping[str, ArrayLike],
    sidecar: Sidecar | str | PathLike[str] | None = None,
    *,
    start: str | np.datetime64 | int | None = None,
    end: str | np.datetime64 | int | None = None,
) -> Windows:
    """Cut a series into the windows that a network takes.

    Parameters
    ----------
    data : path, DataFrame or mapping of str to array (row,)
        A CSV, Parquet or ``.npz`` file, or columns, in original units.
    sidecar : Sidecar or path, optional
        What the columns mean: names, units, means and scales, window, lead, targets.
    start, end : str, datetime64 or int, optional
        Use only rows from `start` up to, not including, `end`.

    Returns
    -------
    Windows
        In the network's own units, with names, units and times.

    Raises
    ------
    UnreadableFile
        If a file is missing or of another kind.
    DataError
        If a column or a value is not what it must be, or the series is shorter than a window.
    ConfigError
        If the sidecar is missing or not what it must be.
    """
    from rnnlens.series.build import windows as cut

    return cut(data, sidecar, start=start, end=end)


def predict(
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None,
    precision: str = "float64",
) -> NDArray[np.floating] | tuple[NDArray[np.floating], ...]:
    """Run a network on windows.

    Parameters
    ----------
    net : Network
        The network.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    initial_state : mapping of str to sequence of array (sample, unit), optional
        States to start from, by recurrent layer: hidden, and cell for an LSTM. Zero where not
        given, also for a layer that the source keeps stateful.
    precision : {"float64", "float32"}
        What is computed in; float32 takes about half the time.

    Returns
    -------
    array or tuple of array (sample, ...)
        What the source model's ``predict`` gives, in the network's own units.

    Raises
    ------
    DataError
        If an array does not fit the network or holds NaN.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> rnnlens.predict(net, [[[0.0] * 10] * 24]).shape
    (1, 10)
    """
    from rnnlens.engine.forward import predict as run
    from rnnlens.series.windows import Windows

    given = X.values if isinstance(X, Windows) else X
    return run(net, given, initial_state=initial_state, precision=precision)


def fidelity(
    net: Network,
    source: Any,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    against: str | None = None,
) -> xr.Dataset:
    """Prove that the network was read right: compare it with its source on the same windows.

    Parameters
    ----------
    net : Network
        The network as read.
    source : live model, path, or array or sequence of arrays (sample, ...)
        What it was read from (a path needs Keras or onnxruntime), or the outputs that it gave
        for these windows.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    against : str, optional
        What to call the source in the result.

    Returns
    -------
    xarray.Dataset
        ``largest_difference (target)`` and the numbers ``largest``, ``tolerance``, ``agrees``,
        ``samples`` as attributes, with ``against``: what ran.

    Raises
    ------
    DataError
        If the outputs do not have the shapes of the network's.
    InputError
        If the source is neither a model that can be run nor an array.
    MissingLibrary
        If the source is a path and the library that runs it is not installed.
    """
    from rnnlens.checks.fidelity import fidelity as compare
    from rnnlens.results.label import label
    from rnnlens.results.provenance import provenance
    from rnnlens.series.windows import Windows

    found = compare(net, source, X.values if isinstance(X, Windows) else X, against=against)
    named = isinstance(X, Windows) and len(X.targets) == len(found.largest_difference)
    origin = net.origin
    return label(
        found,
        coords={"target": list(X.targets)} if isinstance(X, Windows) and named else {},
        attrs=provenance(
            method="fidelity",
            network_digest=origin.digest,
            network_format=origin.format,
            network_path=origin.path,
        ),
        long_names={"largest_difference": "largest difference from the source model"},
        units={"largest_difference": "network units"},
        keep=("largest", "tolerance", "agrees", "samples", "against"),
    )
