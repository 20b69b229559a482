"""What stays written out step by step, said in a clause that travels with every result."""

from __future__ import annotations

from dataclasses import replace

from rnnlens.names import told
from rnnlens.network.layers import Dense, DescribedRecurrent, Recurrent
from rnnlens.network.network import Network
from rnnlens.readers.rerolled.graph import Graph
from rnnlens.readers.rerolled.loops import Loop, find_loops

__all__ = ["with_loops_noted"]

#: Names of arrays that a clause lists; more would hide the rest of it.
MOST_NAMES = 4


def with_loops_noted(network: Network) -> Network:
    """Say which loops of a network are no layer, if any."""
    graph = Graph(list(network.nodes), list(network.outputs))
    noted: set[str] = set()
    clauses = []
    for loop in find_loops(graph):
        names = {name for name, _ in loop.inside}
        if noted & names or not _hides_a_cell(graph, loop):
            continue
        # the same steps cut elsewhere are the same loop
        noted |= {name for step in loop.steps for name, _ in step.values()}
        clause = _clause(graph, loop)
        if clause not in network.origin.left_out:
            clauses.append(clause)
    if not clauses:
        return network
    left = (*network.origin.left_out, *clauses)
    return replace(network, origin=replace(network.origin, left_out=left))


def _hides_a_cell(graph: Graph, loop: Loop) -> bool:
    """Say whether a state meets weights, and no layer within a step is a cell by itself."""
    layers = [graph.layer(ref) for ref in loop.inside]
    whole = any(isinstance(layer, Recurrent | DescribedRecurrent) for layer in layers)
    return not whole and any(isinstance(layer, Dense) for layer in layers)


def _clause(graph: Graph, loop: Loop) -> str:
    texts = {source.words: None for ref in loop.body for source in graph.node(ref).sources.values()}
    names = [text for text in texts if text][:MOST_NAMES]
    values = {"weights": "; ".join(names), "times": len(loop.steps)}
    if not names:
        return told(
            "the gates of a step, which is taken {times} times or more, each on what the one "
            "before gave, and stays written out: forecasts and contributions are the code's, and "
            "trace and weights show no cell of it",
            **values,
        )
    return told(
        "the gates of a step of weights ({weights}), which is taken {times} times or more, each on "
        "what the one before gave, and stays written out: forecasts and contributions are the "
        "code's, and trace and weights show no cell of it",
        **values,
    )
