"""Windows of several inputs, laid out as a network takes each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.api.shared.given.joint.kinds import takes_tokens
from rnnlens.api.shared.given.steps import steps_first
from rnnlens.engine.forward import entries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rnnlens.network.network import Network
    from rnnlens.series.joint.windows import WindowsByInput

__all__ = ["arrays_for", "laid_out"]


def laid_out(
    network: Network, windows: WindowsByInput, precision: str = "float64"
) -> tuple[WindowsByInput, dict[str, NDArray[np.float64]]]:
    """Lay windows out for a network that takes (step, feature), and check them."""
    shapes = {name: entry.shape for name, entry in network.inputs.items()}
    laid, arrays = windows.laid_out(
        shapes, [name for name in shapes if takes_tokens(network, name)]
    )
    return laid, entries(network, arrays, precision)


def arrays_for(network: Network, windows: WindowsByInput) -> dict[str, NDArray[np.float64]]:
    """Give the numbers of windows as the network takes them."""
    turned = steps_first(network)
    _, arrays = laid_out(turned.network, windows)
    return {name: turned.as_taken(name, array) for name, array in arrays.items()}
