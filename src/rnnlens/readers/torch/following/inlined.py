"""Parts of a graph that stand under a context manager, set back into the line of the graph.

Code under ``torch.no_grad()``, or under autocast that is switched off, becomes a graph of its own,
called by name; what it computes is the same without the context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["inlined"]

#: Calls of a graph under a context, and where that graph stands among the arguments.
CONTEXTS = {"wrap_with_set_grad_enabled": 1, "wrap_with_autocast": 4}


def inlined(graph: torch.fx.Graph) -> None:
    """Set what stands under a context that changes no number into the line, in place."""
    module = graph.owning_module
    for node in list(graph.nodes):
        at = CONTEXTS.get(str(node.target)) if node.op == "call_function" else None
        if at is None or (at == 4 and node.args[2]):  # autocast that is on rounds numbers
            continue
        held = node.args[at]
        inner = getattr(module, str(held.target)).graph
        inlined(inner)
        _in_line(graph, node, inner, node.args[at + 1 :])
        graph.erase_node(node)
        if not held.users:
            graph.erase_node(held)


def _in_line(graph: torch.fx.Graph, node: torch.fx.Node, inner: torch.fx.Graph, given: Any) -> None:
    """Copy a graph before the node that calls it, and hand on what it gives."""
    entries = [one for one in inner.nodes if one.op == "placeholder"]
    known = dict(zip(entries, given, strict=True))
    with graph.inserting_before(node):
        made: Any = graph.graph_copy(inner, known)
    made = made[0] if isinstance(made, tuple) and isinstance(made[0], tuple | list) else made
    for user in list(node.users):  # each takes one of the results by its number
        user.replace_all_uses_with(made[user.args[1]])
        graph.erase_node(user)
