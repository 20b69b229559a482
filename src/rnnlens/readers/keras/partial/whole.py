"""A model with its own architecture: read whole, up to a layer, or as was stated over its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from rnnlens.errors import InputError, UnreadableFile
from rnnlens.names import told
from rnnlens.network.json_values import JsonObject
from rnnlens.network.network import Network, Origin
from rnnlens.readers.keras.graph.config import network_of
from rnnlens.readers.keras.layers.spec import KerasVersion
from rnnlens.readers.keras.left_over import accounted
from rnnlens.readers.keras.partial.cut import CutStore, cut, kind_of, layers_listed
from rnnlens.readers.keras.weights_only.read import (
    WEIGHTS_TAKE,
    WeightsSource,
    network_of_weights,
)
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.variables import VariableStore

__all__ = ["TAKES", "WholeModel"]

#: The options of `read` that a whole model takes.
TAKES = WEIGHTS_TAKE | {"until"}

#: No more layers than these are said.
SAID = 8


@dataclass(frozen=True, eq=False)
class WholeModel:
    """A serialised model and its arrays, whatever keeps them."""

    entry: JsonObject
    store: VariableStore
    keras_version: KerasVersion
    origin: Origin
    #: Gives the place of every array that serves the forecast.
    places: Callable[[], Iterable[str]]
    #: The same arrays without the architecture; None for a live model.
    weights: WeightsSource | None = None

    def read(self, options: ReadOptions) -> Network:
        """Read it as was asked."""
        if self.weights is not None and (options.architecture or options.layers):
            return self._as_stated(self.weights, options)
        if options.until is not None:
            return self.until(options.until, options.same_as)
        made = network_of(self.entry, self.store, self.keras_version, self.origin, options.same_as)
        return accounted(made, self.places())

    def until(self, name: str, same_as: Mapping[str, str] | None = None) -> Network:
        """Read it up to a layer."""
        try:
            entry, left = cut(self.entry, name)
        except InputError:
            raise
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise UnreadableFile(
                f"the configuration within {self.origin.path or 'the model'} does not say what "
                f"leads to {name} ({type(error).__name__}: {error}); the file is damaged"
            ) from error
        names: str = ", ".join(left[:SAID])
        if len(left) > SAID:
            names = told("{names} and {more} more", names=names, more=len(left) - SAID)
        clause = told("the layers that do not lead to {layer}: {names}", layer=name, names=names)
        clauses = (*self.origin.left_out, *([clause] if left else []))
        origin = replace(self.origin, left_out=clauses)
        store = CutStore(self.store, self.entry)
        return network_of(entry, store, self.keras_version, origin, same_as)

    def _as_stated(self, weights: WeightsSource, options: ReadOptions) -> Network:
        """Read the arrays as layers that were stated over the model's own."""
        made = network_of_weights(weights, options)
        own = " > ".join(kind_of(item) for item in layers_listed(self.entry))
        clause = told("what was stated over the file's own architecture ({layers})", layers=own)
        origin = replace(
            made.origin,
            format=self.origin.format,
            version=self.origin.version,
            assumed=(*made.origin.assumed, clause),
        )
        return replace(made, origin=origin)
