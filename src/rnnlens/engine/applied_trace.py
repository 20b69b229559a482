"""What happened inside recurrent layers that are applied to every step of a window alone."""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from functools import cache

from rnnlens.engine.forward import Run
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.trace import LayerTrace, gates_of, traces_of
from rnnlens.network.layers import Layer, TimeDistributed
from rnnlens.network.network import Network

__all__ = ["applied_gate_names", "applied_traces"]


def applied_traces(run: Run) -> dict[str, LayerTrace]:
    """Lay out every recurrent layer that is applied to each step alone, by the layer's name.

    Its arrays have an axis ``outer_step`` behind the samples: the steps of the window, to each of
    which the layer is applied, while ``step`` counts within. Steps of steps lie flat, the outer
    ones slowest.
    """
    traces = {}
    for node in run.network.nodes:
        layer, tape, outer = node.layer, run.tapes[node.name], 1
        while isinstance(layer, TimeDistributed):
            outer *= tape.inputs[0].shape[1]
            layer, tape = layer.layer, tape.saved
        if layer is not node.layer:
            for name, one in traces_of(node.name, layer, tape, None).items():
                traces[name] = _unfolded(one, outer)
    return traces


def applied_gate_names(network: Network) -> dict[str, tuple[str, ...]]:
    """Name the gates of every recurrent layer that is applied to each step alone."""
    named: dict[str, tuple[str, ...]] = {}
    for node in network.nodes:
        if isinstance(node.layer, TimeDistributed):
            named |= gates_of(node.name, _innermost(node.layer))
    return named


def _innermost(layer: Layer) -> Layer:
    while isinstance(layer, TimeDistributed):
        layer = layer.layer
    return layer


def _unfolded(trace: LayerTrace, outer: int) -> LayerTrace:
    """Give the samples of a trace their steps back: (sample * outer_step, ...)."""

    def apart(array: Array) -> Array:
        return array.reshape(-1, outer, *array.shape[1:])

    values = {spec.name: apart(getattr(trace, spec.name)) for spec in fields(trace)}
    return _with_outer_steps(type(trace))(**values)


@cache
def _with_outer_steps(kind: type[LayerTrace]) -> type[LayerTrace]:
    """Make a kind of trace whose arrays have an axis of outer steps."""
    changed = []
    for spec in fields(kind):
        sample, *rest = spec.metadata["dimensions"]
        dimensions = (sample, "outer_step", *rest)
        changed.append((
            spec.name,
            Array,
            field(metadata={**spec.metadata, "dimensions": dimensions}),
        ))
    return make_dataclass(f"Applied{kind.__name__}", changed, bases=(kind,), frozen=True, eq=False)
