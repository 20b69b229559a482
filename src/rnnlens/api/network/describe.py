"""A network as a plain dictionary: layers, arrays by gate, and where the time steps went."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from rnnlens.network.description import NetworkDescription
    from rnnlens.network.network import Network

__all__ = ["describe"]


def describe(net: Network | str | PathLike[str]) -> NetworkDescription:
    """Say what a network is made of, as a plain dictionary.

    Parameters
    ----------
    net : Network or path
        The network. The path of a file of weights alone serves too, though `rnnlens.read` refuses
        it: its arrays are named by their shapes, and the notes say what they leave unknown.

    Returns
    -------
    dict
        What ``rnnlens inspect --json`` prints: ``format``, ``parameters``, ``time_steps`` and
        ``layers``, each with its ``arrays``: name, gate, shape, source.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> about = rnnlens.describe(rnnlens.read(demo_files().network))
    >>> [array["name"] for array in about["layers"][1]["arrays"]][:4]
    ['lstm.W_i', 'lstm.W_f', 'lstm.W_c', 'lstm.W_o']
    """
    from rnnlens.network.arrays import Arrays, describe_arrays
    from rnnlens.network.describe import describe as of_network
    from rnnlens.network.network import Network
    from rnnlens.readers.open import read_or_name_arrays

    source = net if isinstance(net, Network) else read_or_name_arrays(net)
    return describe_arrays(source) if isinstance(source, Arrays) else of_network(source)
