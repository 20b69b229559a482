"""One call of a PyTorch module as a graph: recurrent layers kept whole, and nothing printed.

``torch.export`` runs a module on tensors without numbers, and would run a recurrent layer step by
step, at a cost that grows with the window. What it needs of such a layer is the shape of what it
gives, so the layer is called as an operation of ours that says it at once; in the graph the
operation is PyTorch's own again.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Generator
from functools import cache
from typing import TYPE_CHECKING, Any

from rnnlens.readers.torch.following.inlined import inlined
from rnnlens.readers.torch.following.rewritten import REWRITTEN

if TYPE_CHECKING:
    import torch

__all__ = ["following", "quiet", "unvalidated", "with_own_operations"]

#: Recurrent layers of PyTorch: the function, and the overload whose arguments it takes.
LAYERS = ("lstm", "gru", "rnn_tanh", "rnn_relu")
#: Where our operations stand among PyTorch's.
NAMESPACE = "rnnlens"


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Keep what PyTorch says of its own work, and what a module prints, from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def following() -> Generator[None]:
    """Have ``torch.export`` keep recurrent layers whole, and print nothing."""
    with quiet(), unvalidated(), _whole():
        yield


@contextlib.contextmanager
def unvalidated() -> Generator[None]:
    """Let no distribution look at the numbers that it is made of."""
    from torch.distributions import Distribution

    before = Distribution._validate_args
    Distribution.set_default_validate_args(False)
    try:
        yield
    finally:
        Distribution.set_default_validate_args(before)


def with_own_operations(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """Put PyTorch's own operations back where ours stood in for them, and all in one line."""
    import torch

    inlined(program.graph)
    for node in program.graph.nodes:
        library, _, rest = str(node.target).partition(".")
        name = rest.removesuffix(".default")
        if node.op == "call_function" and library == NAMESPACE and name in LAYERS:
            node.target = getattr(torch.ops.aten, name).input
    return program


def _whole() -> torch.overrides.TorchFunctionMode:
    """Give the mode in which the functions of recurrent layers call our operations instead."""
    from torch.overrides import TorchFunctionMode

    stand_ins = _stand_ins()

    class Whole(TorchFunctionMode):
        def __torch_function__(  # noqa: PLW3201  (PyTorch's own protocol)
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            # the steps of a program call "lstm.input", a module calls "lstm"
            name = getattr(func, "__name__", "").removesuffix(".input")
            # of packed sequences the second argument is the number of samples at each step
            whole = name in LAYERS and len(args) == 9 and isinstance(args[2], list | tuple)
            if whole and args[0].ndim == 3 and not kwargs:
                return stand_ins[name](*args)
            if name in REWRITTEN:
                made = REWRITTEN[name](*args, **(kwargs or {}))
                return func(*args, **(kwargs or {})) if made is None else made
            return func(*args, **(kwargs or {}))

    return Whole()


@cache
def _stand_ins() -> dict[str, Any]:
    """Define an operation for each recurrent layer, with the arguments of PyTorch's own."""
    import torch

    for name in LAYERS:
        state = "Tensor[]" if name == "lstm" else "Tensor"
        gives = "(Tensor, Tensor, Tensor)" if name == "lstm" else "(Tensor, Tensor)"
        torch.library.define(
            f"{NAMESPACE}::{name}",
            f"(Tensor input, {state} hx, Tensor[] params, bool has_biases, int num_layers, "
            f"float dropout, bool train, bool bidirectional, bool batch_first) -> {gives}",
        )
        torch.library.register_fake(f"{NAMESPACE}::{name}", _shapes_of)
    return {name: getattr(getattr(torch.ops, NAMESPACE), name) for name in LAYERS}


def _shapes_of(
    given: torch.Tensor, hx: Any, params: list[torch.Tensor], *settings: Any
) -> tuple[torch.Tensor, ...]:
    """Say the shapes of what a recurrent layer gives: the sequence, and each state at its end."""
    _, layers, _, _, bidirectional, batch_first = settings
    states = list(hx) if isinstance(hx, list | tuple) else [hx]
    ways = 2 if bidirectional else 1
    samples = given.shape[0 if batch_first else 1]
    outer, inner = given.shape[:2]
    width = ways * states[0].shape[-1]
    # PyTorch lays steps out before samples and turns them round, which decides what is a view
    sequence = (
        given.new_empty((inner, outer, width)).transpose(0, 1)
        if batch_first
        else given.new_empty((outer, inner, width))
    )
    shapes = [(layers * ways, samples, state.shape[-1]) for state in states]
    return (sequence, *(given.new_empty(shape) for shape in shapes))
