"""Running a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.network.running.runner import made_by

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.network.network import Network
    from rnnlens.network.running.runner import Runner
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["predict"]


@checked()
def predict(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None,
    precision: str = "float64",
) -> NDArray[np.floating] | tuple[NDArray[np.floating], ...]:
    """Run a network on windows.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
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
    from rnnlens.api.shared.given.joint.by_input import arrays_for
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.steps import values_for
    from rnnlens.engine.forward import predict as run
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

    net = as_network(net, X)
    given = values_for(net, X) if isinstance(X, Windows) else X
    if isinstance(given, WindowsByInput):
        given = arrays_for(net, given)
    return run(net, given, initial_state=initial_state, precision=precision, alone=True)


def _runner(network: Network, precision: str) -> Runner:
    """Make what `rnnlens.network.network.Network.runner` gives; the engine is loaded only now."""
    from rnnlens.engine.runner import NetworkRunner

    return NetworkRunner(network, precision)


made_by(_runner)
