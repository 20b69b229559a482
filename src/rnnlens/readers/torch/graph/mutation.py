"""Graphs that write into tensors, made such that every operation gives a new one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["settled", "without_mutation", "writes_in_place"]

#: Operations that change nothing though their names say so.
HARMLESS = frozenset({"detach_", "lift_fresh_copy", "requires_grad_"})
#: Operations that give the very tensor that they take where a module predicts, though the graph of
#: a call shows two; what is written into the one is then written into the other.
HANDED_ON = frozenset({"dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"})
#: Operations that give a new tensor whatever they are given; others may give what they took.
NEW = frozenset(
    {"add", "addmm", "batch_norm", "conv1d", "div", "empty", "empty_like", "fill", "full"}
    | {"full_like", "linear", "matmul", "mm", "mul", "new_empty", "new_full", "new_ones"}
    | {"new_zeros", "ones", "ones_like", "sigmoid", "sub", "tanh", "zero", "zeros", "zeros_like"}
)


def without_mutation(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """Give the program in which ``out[:, t] = y`` is an operation that gives the whole of out.

    A view that is written into changes what it is a view of, which a graph of calls does not show;
    PyTorch itself rewrites it so that it does, which takes as long as the export; writing into what
    nothing else holds is the plain operation, and told at once. Nothing else is taken apart.
    """
    done = settled(program.graph)
    program.graph_module.recompile()
    if done:
        return program
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return program.run_decompositions({})


def settled(graph: torch.fx.Graph) -> bool:
    """Make plain what is plainly told, in place, and say whether no operation writes any more."""
    if writes_in_place(graph):
        _handed_on(graph)
    _written_alone(graph)
    return not writes_in_place(graph)


def writes_in_place(graph: torch.fx.Graph) -> bool:
    """Tell whether a graph writes into a tensor that is there already."""
    return any(_writes(node) for node in graph.nodes)


def _handed_on(graph: torch.fx.Graph) -> None:
    """Take what dropout takes in the place of what it gives: they are one tensor."""
    for node in list(graph.nodes):
        name = str(node.target).removesuffix(".default").removeprefix("aten.")
        if node.op == "call_function" and name in HANDED_ON and node.args[2] is False:
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)


def _written_alone(graph: torch.fx.Graph) -> None:
    """Make plain operations of those that write into what no other node takes or views."""
    import torch

    for node in graph.nodes:
        written = node.args[0] if node.args else None
        if not _writes(node) or not isinstance(written, torch.fx.Node):
            continue
        name, overload = str(node.target).split(".")[1:]
        plain = getattr(getattr(torch.ops.aten, name.removesuffix("_"), None), overload, None)
        if plain is not None and name.endswith("_") and _is_its_own(written):
            node.target = plain


def _is_its_own(node: torch.fx.Node) -> bool:
    """Tell whether a node gives a new tensor, which one other node alone takes."""
    named = str(node.target).split(".")
    new = named[0] == "aten" and named[1] in NEW
    return node.op == "call_function" and new and len(node.users) == 1


def _writes(node: torch.fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    if node.op != "call_function" or schema is None or not schema.is_mutable:
        return False
    return str(node.target).split(".")[1] not in HARMLESS
