"""One call of a PyTorch module as a graph of operations, however it was followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["FollowedCall", "Held", "of_export"]


@dataclass(frozen=True, eq=False)
class Held:
    """A tensor that the module holds, or that its code states."""

    #: What the module calls it.
    target: str
    tensor: torch.Tensor
    #: Whether code states its numbers, as in ``torch.tensor(0.7)``.
    stated: bool


@dataclass(frozen=True, eq=False)
class FollowedCall:
    """A graph of calls of PyTorch's own operations; none of them writes into what it takes."""

    graph: torch.fx.Graph
    #: What the module holds, by the name of its entry; what else enters is given with the call.
    held: Mapping[str, Held]
    #: The nodes that the module gives.
    outputs: Sequence[Any]


def of_export(program: torch.export.ExportedProgram) -> FollowedCall:
    """Take a program of ``torch.export`` as a graph of calls."""
    import torch

    signature, state = program.graph_signature, program.state_dict
    lifted = signature.inputs_to_lifted_tensor_constants
    targets = {**signature.inputs_to_parameters, **signature.inputs_to_buffers, **lifted}
    tensors: dict[str, Any] = {**program.constants, **state}
    held = {
        name: Held(target, tensors[target], name in lifted and target.startswith("lifted_tensor"))
        for name, target in targets.items()
    }
    # what a call writes into the module besides what it gives is left out
    given = torch.export.graph_signature.OutputKind.USER_OUTPUT
    nodes = next(node.args[0] for node in program.graph.nodes if node.op == "output")
    outputs = [
        node
        for node, spec in zip(nodes, signature.output_specs, strict=True)
        if spec.kind == given and node is not None
    ]
    return FollowedCall(program.graph, held, outputs)
