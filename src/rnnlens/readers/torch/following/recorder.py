"""One call of a module, written down operation by operation while PyTorch runs it.

``torch.export`` runs a module on tensors without numbers, whose sizes are symbols; what it takes to
load that machinery is longer than most networks take to be read. Here the module's own code runs as
it always does, and each operation that it calls is noted on its way to PyTorch: the same
operations, for PyTorch has one place where they all pass, before any is taken apart. What a record
of one run cannot show (code that decides by the numbers that it is given, memory that is written
into past PyTorch) is not recorded: `NotRecorded` says so, and ``torch.export`` is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from rnnlens.readers.torch.following.escapes import NotRecorded, deciding, without_escapes
from rnnlens.readers.torch.signature.nested import leaves

if TYPE_CHECKING:
    import torch

__all__ = ["Place", "Recording", "Step", "recorded"]

#: PyTorch keeps one recorder for all threads.
ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class Place:
    """Where a tensor comes from."""

    #: "given", "held", "stated", or "made".
    kind: str
    #: Which of those given or stated, what the module calls it, or the number of the step.
    which: int | str
    #: Which of the several that a step makes.
    path: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Step:
    """One operation: tensors as the places where they come from."""

    operation: Any
    args: list[Any]
    kwargs: dict[str, Any]
    #: Shape and type of what it gives: of one tensor, or in a list for each of several.
    gives: Any
    #: Where in the module the call stands: the names on the way there.
    within: tuple[str, ...]


@dataclass(eq=False)
class Recording:
    """What a call did, in order."""

    #: Shape and type of every tensor that was given.
    given: list[tuple[tuple[int, ...], torch.dtype]]
    steps: list[Step] = field(default_factory=list)
    #: Tensors of the module that were used, and those that code states.
    held: dict[str, torch.Tensor] = field(default_factory=dict)
    stated: list[torch.Tensor] = field(default_factory=list)
    #: What the module gives.
    outputs: list[Place] = field(default_factory=list)


class _Places:
    """Which tensor comes from where.

    It holds no tensor: PyTorch makes another of one that ``torch.zeros`` gives where somebody does.
    """

    def __init__(self, module: torch.nn.Module, found: Recording) -> None:
        from torch.utils.weak import WeakTensorKeyDictionary

        self._held = _held_by(module)
        self._recording = found
        self._found: Any = WeakTensorKeyDictionary()

    def put(self, tensor: torch.Tensor, place: Place) -> None:
        """Say where a tensor comes from, in the place of what was said of it before."""
        self._found[tensor] = place

    def of(self, tensor: Any) -> Place:
        """Say where a tensor comes from; the module's own are noted as used."""
        import torch

        if not isinstance(tensor, torch.Tensor):
            raise NotRecorded(f"it gives a {type(tensor).__name__}")
        place = self._found.get(tensor)
        if place is None and id(tensor) in self._held:
            tensor, name = self._held[id(tensor)]
            self._recording.held[name] = tensor
            place = Place("held", name)
            self.put(tensor, place)
        if place is None:
            raise NotRecorded("a tensor comes from nowhere in the record")
        return place


def recorded(
    module: torch.nn.Module, given: Sequence[torch.Tensor], call: Callable[[], Any]
) -> Recording:
    """Record a call of a module on tensors; it takes those very ones."""
    import torch

    found = Recording([(tuple(one.shape), one.dtype) for one in given])
    places = _Places(module, found)
    for number, one in enumerate(given):
        places.put(one, Place("given", number))
    within: list[str] = []
    with (
        ONE_AT_A_TIME,
        _names_noted(module, within),
        without_escapes()(),
        torch._C._EnablePythonDispatcher(),
        _mode()(found, places, within),
    ):
        outputs = call()
    found.outputs = [places.of(one) for one in leaves(outputs) if one is not None]
    return found


def _held_by(module: torch.nn.Module) -> dict[int, tuple[torch.Tensor, str]]:
    """Give the tensors of a module by their place in memory, with their names."""
    import torch

    held: dict[int, tuple[torch.Tensor, str]] = {}
    for where, part in module.named_modules():
        plain = {k: v for k, v in vars(part).items() if isinstance(v, torch.Tensor)}
        for name, tensor in {**part._parameters, **part._buffers, **plain}.items():
            if tensor is not None:
                held.setdefault(id(tensor), (tensor, f"{where}.{name}" if where else name))
    return held


@contextmanager
def _names_noted(module: torch.nn.Module, within: list[str]) -> Generator[None]:
    """Note which part of a module is called, while it is."""
    every = [id(part) for _, part in module.named_modules(remove_duplicate=False)]
    if len(every) > len(set(every)):
        raise NotRecorded("a part of the module has two names")
    hooks = []
    for name, part in module.named_modules():

        def entered(part: object, args: object, name: str = name) -> None:
            within.append(name)

        def left(part: object, args: object, output: object) -> None:
            within.pop()

        hooks += [
            part.register_forward_pre_hook(entered, prepend=True),
            part.register_forward_hook(left),
        ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@cache
def _mode() -> type:
    """Give the mode through which PyTorch hands every operation before it takes it apart."""
    import torch
    import torch._subclasses.schema_check_mode
    import torch.utils._python_dispatch

    # PyTorch lets three classes stand there, of which this one stands alone
    class Recorder(torch._subclasses.schema_check_mode.SchemaCheckMode):
        def __init__(self, found: Recording, places: _Places, within: list[str]) -> None:
            key = torch._C.DispatchKey.PreDispatch
            torch.utils._python_dispatch.TorchDispatchMode.__init__(self, key)
            self.found, self.places, self.within = found, places, within

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # nothing of torch.compile is loaded

        def __torch_dispatch__(  # noqa: PLW3201  (PyTorch's own protocol)
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            if not isinstance(func, torch._ops.OpOverload) or deciding(func, args, kwargs):
                raise NotRecorded(f"{func} lets numbers decide")
            if any(torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda")):
                raise NotRecorded("autocast rounds what operations take")
            if func is torch.ops.aten.lift_fresh.default:  # torch.tensor(0.7) in code
                self.places.put(args[0], Place("stated", len(self.found.stated)))
                self.found.stated.append(args[0].clone())
                func = torch.ops.aten.lift_fresh_copy.default
            placed = self._placed(args), self._placed(kwargs)
            written = next(iter(placed[0]), None)
            if func._schema.is_mutable and getattr(written, "kind", "") == "held":
                raise NotRecorded("it writes into what the module holds")
            with torch._C._DisablePythonDispatcher(), torch._C.DisableTorchFunction():
                made = func(*args, **kwargs)
            gives = self._made(made, len(self.found.steps), ())
            self.found.steps.append(Step(func, *placed, gives, tuple(self.within)))
            return made

        def _placed(self, one: Any) -> Any:
            """Put places where tensors stand."""
            if isinstance(one, torch.Tensor):
                return self.places.of(one)
            if isinstance(one, list | tuple):
                return [self._placed(part) for part in one]
            if isinstance(one, dict):
                return {key: self._placed(part) for key, part in one.items()}
            return one

        def _made(self, one: Any, number: int, path: tuple[int, ...]) -> Any:
            """Note where what a step gives comes from, and give its shapes and types."""
            if isinstance(one, torch.Tensor):
                self.places.put(one, Place("made", number, path))
                return tuple(one.shape), one.dtype
            if isinstance(one, list | tuple):
                return [self._made(part, number, (*path, k)) for k, part in enumerate(one)]
            if one is None:
                return None
            raise NotRecorded(f"an operation gives a {type(one).__name__}")

    return Recorder
