"""The same network in fewer layers, before it is written.

What exported graphs spell out and other formats say by an option: the last step picked from a
sequence, and states of zero to start from.
"""

from __future__ import annotations

from dataclasses import replace

from rnnlens.network.axes import Constant, Index
from rnnlens.network.layers import Bidirectional, Input, Recurrent
from rnnlens.network.network import Network, Node, Ref, leading_to

__all__ = ["simplified"]


def simplified(network: Network) -> Network:
    """Fold picked last steps and zero states into the recurrent layers."""
    return _pruned(_last_steps(_zero_states(network)))


def _zero_states(network: Network) -> Network:
    zero = {
        node.name
        for node in network.nodes
        if isinstance(node.layer, Constant) and not node.layer.C.any()
    }
    nodes = [
        replace(node, inputs=node.inputs[:1])
        if isinstance(node.layer, Recurrent | Bidirectional)
        and len(node.inputs) > 1
        and all(name in zero for name, _ in node.inputs[1:])
        else node
        for node in network.nodes
    ]
    return replace(network, nodes=tuple(nodes))


def _last_steps(network: Network) -> Network:
    """Let a layer whose sequence is used for its last step alone give that step."""
    takers: dict[Ref, list[Node]] = {}
    for node in network.nodes:
        for ref in node.inputs:
            takers.setdefault(ref, []).append(node)
    calls: dict[int, int] = {}
    for node in network.nodes:
        calls[id(node.layer)] = calls.get(id(node.layer), 0) + 1
    nodes: dict[str, Node] = {node.name: node for node in network.nodes}
    gone: dict[Ref, Ref] = {}
    for node in network.nodes:
        ref = (node.name, 0)
        users = takers.get(ref, [])
        layer = node.layer
        if not isinstance(layer, Recurrent) or not layer.return_sequences or ref in network.outputs:
            continue
        last = all(_is_last(user) for user in users)
        if users and last and calls[id(layer)] == 1:
            nodes[node.name] = replace(node, layer=replace(layer, return_sequences=False))
            gone |= {(user.name, 0): ref for user in users}
    kept = [node for node in nodes.values() if (node.name, 0) not in gone]
    return replace(
        network,
        nodes=tuple(
            replace(node, inputs=tuple(gone.get(ref, ref) for ref in node.inputs)) for node in kept
        ),
        outputs=tuple(gone.get(ref, ref) for ref in network.outputs),
    )


def _is_last(node: Node) -> bool:
    return isinstance(node.layer, Index) and node.layer.index == -1 and node.layer.axis in {1, -2}


def _pruned(network: Network) -> Network:
    """Leave out the layers that no output depends on; entries stay."""
    used = leading_to(network.nodes, (name for name, _ in network.outputs))
    kept = (node for node in network.nodes if node.name in used or isinstance(node.layer, Input))
    return replace(network, nodes=tuple(kept))
