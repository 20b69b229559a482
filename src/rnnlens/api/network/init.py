"""A first sidecar, written for a network and its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.arguments import NAME, either, many, where, whole

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.draft.draft import Draft

__all__ = ["init"]


def _is_table(data: object) -> bool:
    from rnnlens.series.tables.frames import is_table

    return isinstance(data, PathLike) or (isinstance(data, str) and bool(data)) or is_table(data)


_NAMES = either(NAME, many(NAME, "names"), what="a name or a sequence of names")


@checked(
    data=where("the path of a table, a DataFrame, or a mapping of columns", _is_table),
    features=_NAMES,
    targets=_NAMES,
    window=whole(1),
    lead=whole(0),
)
def init(
    net: NetworkLike,
    data: str | PathLike[str] | pd.DataFrame | Mapping[str, ArrayLike],
    *,
    scaler: object = None,
    target_scaler: object = None,
    features: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    window: int | None = None,
    lead: int | None = None,
) -> Draft:
    """Write a first sidecar: what network, data and scaler say, and guesses to be checked.

    Columns are told by the scaler's names, by its numbers (those of the columns that it was fitted
    on), or by their count; times by what cells hold; the target by which column the network's own
    outputs go with. Nothing in a scaler's file is run.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    data : path, DataFrame or mapping of str to array (row,)
        The table, in original units.
    scaler, target_scaler : path or scaler of scikit-learn, optional
        What the features, and the targets, were scaled with: a pickle, a dump of joblib, a file of
        skops, an ``.npz`` or JSON with ``mean`` and ``scale``, or the live object. ``FILE:KEY``
        takes one of several in a file. Without it the scaling is guessed from the data.
    features, targets : sequence of str, optional
        Columns in the network's order, where they are known.
    window, lead : int, optional
        Steps that the network takes, and from the newest one to the one forecast, where known.

    Returns
    -------
    Draft
        Its ``sidecar``, its ``text`` with a comment at each line that a person must check, and
        ``notes`` that say what was guessed and how sure it is.

    Raises
    ------
    UnreadableFile
        If a file is none that is read.
    DataError
        If the table has fewer columns than the network takes.
    ConfigError
        If a name is none of the table's or of the scaler's.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> import numpy as np
    >>> net = rnnlens.read(demo_files().network)
    >>> columns = {f"sensor {k}": np.sin(np.arange(60.0) * (k + 1)) for k in range(10)}
    >>> made = rnnlens.init(net, columns)
    >>> made.sidecar.window, len(made.sidecar.features)
    (24, 10)
    """
    from rnnlens.api.shared.drafting import facts_of, runner_of
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.series.draft.draft import draft
    from rnnlens.series.draft.facts import Asked
    from rnnlens.series.draft.several import draft_of_inputs
    from rnnlens.series.scalers.variables import columns_given

    network = as_network(net)
    if len(network.inputs) > 1:
        shapes = {name: entry.shape for name, entry in network.inputs.items()}
        return draft_of_inputs(shapes, window, lead)
    asked = Asked(
        scaler=None if scaler is None else columns_given(scaler),
        target_scaler=None if target_scaler is None else columns_given(target_scaler),
        features=_names(features),
        targets=_names(targets),
        window=window,
        lead=lead,
    )
    return draft(facts_of(network), data, asked, runner_of(network))


def _names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Give names as they are used: one alone is one name."""
    return None if given is None else (given,) if isinstance(given, str) else tuple(given)
