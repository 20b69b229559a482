"""Graphs that write into tensors, made such that every operation gives a new one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["without_mutation"]

#: Operations that change nothing though their names say so.
HARMLESS = frozenset({"detach_", "lift_fresh_copy", "requires_grad_"})


def without_mutation(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """Give the program in which ``out[:, t] = y`` is an operation that gives the whole of out.

    A view that is written into changes what it is a view of, which a graph of calls does not show;
    PyTorch itself rewrites it so that it does. Nothing else is taken apart.
    """
    if not any(_writes(node) for node in program.graph.nodes):
        return program
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return program.run_decompositions({})


def _writes(node: torch.fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    if node.op != "call_function" or schema is None or not schema.is_mutable:
        return False
    return str(node.target).split(".")[1] not in HARMLESS
