"""A live program of ``torch.export`` as a list of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnlens.readers.torch.program.steps import Name, Program, Step

if TYPE_CHECKING:
    import torch

__all__ = ["program_of"]


def program_of(source: torch.export.ExportedProgram) -> Program:
    """Give the steps of a program, and its weights as they are."""
    import torch

    signature = source.graph_signature
    targets = (
        dict(signature.inputs_to_parameters)
        | dict(signature.inputs_to_buffers)
        | dict(signature.inputs_to_lifted_tensor_constants)
    )
    held: dict[str, Any] = dict(source.constants) | dict(source.state_dict)
    inputs, weights, steps = [], {}, []
    hints: dict[str, int] = {}
    for node in source.graph.nodes:
        value = node.meta.get("val")
        if node.op == "placeholder" and node.name in targets:
            where = targets[node.name]
            weights[node.name] = where, held[where].detach().cpu()
        elif node.op == "placeholder" and hasattr(value, "shape"):
            inputs.append((node.name, _sizes(value, hints), value.dtype))
        elif node.op == "call_function":
            steps.append(_step(node))
    given = torch.export.graph_signature.OutputKind.USER_OUTPUT
    outputs = [
        Name(spec.arg.name)
        for spec in signature.output_specs
        if spec.kind == given and hasattr(spec.arg, "name") and not hasattr(spec.arg, "value")
    ]
    return Program(tuple(inputs), hints, tuple(steps), tuple(outputs), weights)


def _sizes(value: Any, hints: dict[str, int]) -> tuple[int | str, ...]:
    sizes: list[int | str] = []
    for size in value.shape:
        if type(size) is int or not size.node.expr.is_Symbol:
            sizes.append(int(size))
            continue
        sizes.append(str(size.node.expr))
        hints[str(size.node.expr)] = min(int(size.node.hint or 4), 64)
    return tuple(sizes)


def _step(node: torch.fx.Node) -> Step:
    target: Any = node.target
    schema = getattr(target, "_schema", None)
    name = f"torch.ops.{target}" if schema else f"{target.__module__}.{target.__name__}"
    arguments: dict[str | int, Any] = {
        schema.arguments[k].name if schema else k: _argument(one) for k, one in enumerate(node.args)
    }
    arguments |= {key: _argument(one) for key, one in node.kwargs.items()}
    return Step(name, arguments, (), node.name)


def _argument(one: Any) -> Any:
    import torch

    if isinstance(one, torch.fx.Node):
        return Name(one.name)
    if isinstance(one, list | tuple):
        return [_argument(part) for part in one]
    return torch.device("cpu") if isinstance(one, torch.device) else one
