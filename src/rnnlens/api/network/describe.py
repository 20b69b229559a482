"""A network as a plain dictionary: layers, arrays by gate, and where the time steps went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.network.shown import shown_by

if TYPE_CHECKING:
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.network.description import NetworkDescription
    from rnnlens.network.network import Network

__all__ = ["describe"]


def describe(net: NetworkLike) -> NetworkDescription:
    """Say what a network is made of, as a plain dictionary.

    Parameters
    ----------
    net : Network, path, live model or arrays
        What `rnnlens.read` takes, or what it gave. A file of weights alone serves too, though
        `rnnlens.read` refuses it, and so do arrays, as ``model.get_weights()`` gives them: they are
        named by their shapes, and the notes say what these leave unknown.

    Returns
    -------
    dict
        What ``rnnlens inspect --json`` prints: ``format``, ``parameters``, ``time_steps`` and
        ``layers``, each with its ``arrays``: name, gate, shape, source; ``reach``: for each number
        of the outputs and each input the steps and features that it cannot see, by the wiring or
        by zero weights (of windows of 24 steps, where any number serves).

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> about = rnnlens.describe(rnnlens.read(demo_files().network))
    >>> [array["name"] for array in about["layers"][1]["arrays"]][:4]
    ['lstm.W_i', 'lstm.W_f', 'lstm.W_c', 'lstm.W_o']
    """
    from rnnlens.api.shared.given.network_given import network_or_arrays
    from rnnlens.api.shared.reach import described
    from rnnlens.network.arrays import Arrays, describe_arrays

    source = network_or_arrays(net)
    return describe_arrays(source) if isinstance(source, Arrays) else described(source)


def _markup(network: Network) -> str:
    from rnnlens.views.notebook.network import network_markup

    return network_markup(describe(network))


shown_by(_markup)  # views know how networks are shown, and networks do not know views
