"""A module made ready for being read: a copy that is called with tensors alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.names import told
from rnnlens.readers.refusals import first_line
from rnnlens.readers.torch.export import following, quiet
from rnnlens.readers.torch.signature.call import Call, call_of
from rnnlens.readers.torch.signature.carried import Carried, Started, carried_by
from rnnlens.readers.torch.signature.copied import copied, copied_plainly
from rnnlens.readers.torch.signature.nested import opened
from rnnlens.readers.torch.signature.packing import followed, replaced
from rnnlens.readers.torch.signature.unwrap import unwrapped
from rnnlens.readers.torch.unbatched import refused_unbatched

if TYPE_CHECKING:
    import torch

__all__ = ["Subject", "may_take_steps_first", "sample_axes", "subject_of"]


@dataclass(frozen=True, eq=False)
class Subject:
    """A copy of a module in evaluation mode, and how it is called."""

    module: torch.nn.Module
    call: Call
    #: The tensors of the example.
    example: list[torch.Tensor]
    #: The states that it keeps between calls; None where it keeps none.
    carried: Carried | None
    #: Whether it packs its sequences.
    packs: bool
    #: Which tensors of the example a recurrent layer starts from.
    starts: tuple[bool, ...]
    #: Whether the module rounds within quantised layers, as the copy does not.
    rounded: bool = False

    def exported(
        self, tensors: Sequence[torch.Tensor], axes: Sequence[int]
    ) -> tuple[torch.export.ExportedProgram, list[str | torch.Tensor]]:
        """Export a call with any number of samples, and say what each of its entries is.

        An entry is a name, or a state that all samples share.
        """
        import torch

        samples = tensors[0].shape[axes[0]]
        kept = [] if self.carried is None else self.carried.kept
        states = [one.expanded(samples) for one in kept]
        shapes: Any = torch.export.ShapesCollection()
        for tensor, axis in zip(
            [*tensors, *states], [*axes, *(one.axis for one in kept)], strict=True
        ):
            shapes[tensor] = {axis: torch.export.Dim.AUTO}
        args = (list(tensors), states)
        with following(), followed(enabled=self.packs):
            program = torch.export.export(self.module, args, dynamic_shapes=shapes, strict=False)
        return program, [*self.call.names, *states]

    def runs(
        self,
        source: torch.nn.Module,
        tensors: Sequence[torch.Tensor],
        axes: Sequence[int],
        earlier: Sequence[Sequence[torch.Tensor]] = (),
    ) -> Any:
        """Call the module itself on other tensors, from the state that it was read with.

        Where calls came earlier, what it keeps of them is carried on.
        """
        args, kwargs = self.call.arguments(tensors)
        if self.carried is None:
            return source(*args, **kwargs)
        module = copied(unwrapped(source))
        carried = self.carried.within(module)
        carried.freed()
        first = next((one for one in tensors if one.is_floating_point()), None)
        like = tensors[0].float() if first is None else first
        samples = tensors[0].shape[axes[0]]
        carried.started([one.expanded(samples).to(like) for one in carried.kept])
        for one in earlier:
            before, named = self.call.arguments(one)
            module(*before, **named)
        return module(*args, **kwargs)

    @property
    def lengths(self) -> int | None:
        """Which tensor holds the lengths of sequences that are packed, where it is known."""
        counts = [
            k
            for k, one in enumerate(self.example)
            if one.ndim == 1 and not one.dtype.is_floating_point
        ]
        return counts[0] if self.packs and len(counts) == 1 else None

    def longest_first(self, tensors: Sequence[torch.Tensor]) -> torch.Tensor | None:
        """Give the order in which packing wants the samples; None where it wants none."""
        if self.lengths is None:
            return None
        return tensors[self.lengths].argsort(descending=True, stable=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the network must know of how the module is called."""
        if self.carried is None or not self.carried.kept:
            return ()
        names = ", ".join(one.name for one in self.carried.kept)
        zero = not any(bool(one.row.any()) for one in self.carried.kept)
        start = told("zeros") if zero else told("the numbers that it holds now")
        return (
            told(
                "the module keeps a state from call to call ({names}); the network starts every "
                "window from the state as it was read, {start}, and carries nothing on",
                names=names,
                start=start,
            ),
        )


def subject_of(source: torch.nn.Module, example: Any) -> Subject:
    """Copy a module, and call the copy once on the example."""
    call, tensors = call_of(source, example)
    empty = [one for one in tensors if 0 in one.shape]
    if empty:
        raise InputError(
            f"example has shape {tuple(empty[0].shape)}, which holds no number: give one window "
            "or more"
        )
    module, rounded = copied_plainly(source)
    carried, started, packs = _tried(module, call, tensors)
    if packs:
        replaced(module)
    _plainly_called(module, call, carried)
    starts = tuple(started.axis(one) is not None and one.ndim > 1 for one in tensors)
    return Subject(module, call, tensors, carried, packs, starts, rounded)


def _tried(
    module: torch.nn.Module, call: Call, tensors: list[torch.Tensor]
) -> tuple[Carried | None, Started, bool]:
    """Call the module once, and see what it keeps and whether it packs sequences."""
    import torch

    packed: list[bool] = []

    def note(_: object, inputs: tuple[object, ...]) -> None:
        packed.append(any(isinstance(one, torch.nn.utils.rnn.PackedSequence) for one in inputs))

    def run() -> None:
        args, kwargs = call.arguments([one.clone() for one in tensors])
        with torch.no_grad(), quiet():
            module(*args, **kwargs)

    layers = [part for part in module.modules() if isinstance(part, torch.nn.RNNBase)]
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    largest = max(tensors, key=lambda one: one.ndim)
    try:
        carried, started = refused_unbatched(
            module, lambda: carried_by(module, run, set(largest.shape[:2]))
        )
    except (UnsupportedModel, InputError):  # of ours
        raise
    except Exception as error:  # the module's own code may raise anything
        shapes = ", ".join(str(tuple(one.shape)) for one in tensors)
        raise InputError(
            f"the module does not run on the example of shape {shapes} "
            f"({first_line(error, 200)}): give input of the "
            "shape and type that it takes, batch included"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return carried, started, any(packed)


def _plainly_called(module: torch.nn.Module, call: Call, carried: Carried | None) -> None:
    """Let the module take two lists, its tensors and its states, and give no dataclasses."""
    plain = module.forward
    if carried is not None:
        carried.freed()

    def forward(tensors: list[torch.Tensor], states: list[torch.Tensor]) -> Any:
        restore = None if carried is None else carried.started(states)
        args, kwargs = call.arguments(tensors)
        try:
            return opened(plain(*args, **kwargs))
        finally:
            if restore is not None:
                restore()

    module.forward = forward


def may_take_steps_first(module: torch.nn.Module) -> bool:
    """Say whether a layer of the module takes its samples in axis 1."""
    return any(getattr(part, "batch_first", None) is False for part in module.modules())


def sample_axes(subject: Subject) -> list[tuple[int, ...]]:
    """Give the axes in which the samples of each tensor may stand, the likeliest first.

    They stand in axis 0, but in axis 1 of the states of a layer, ``(layer, sample, unit)``, and
    in axis 1 of sequences where a recurrent layer takes ``(step, sample, feature)``.
    """
    example = subject.example
    flowing = [start and one.ndim == 3 for one, start in zip(example, subject.starts, strict=True)]
    ways = [tuple(map(int, flowing))]
    sized = _sized_like_states(subject)
    if any(sized) and not all(sized):
        ways.append(tuple(map(int, sized)))
    ways.append((0,) * len(example))
    if may_take_steps_first(subject.module):
        ways += [
            tuple(1 if one.ndim > 1 else 0 for one in example),
            tuple(
                1 if one.ndim > 2 or (one.ndim == 2 and not one.is_floating_point()) else 0
                for one in example
            ),
        ]
    return [
        way
        for way in dict.fromkeys(ways)
        if all(axis < one.ndim for axis, one in zip(way, example, strict=True))
    ]


def _sized_like_states(subject: Subject) -> list[bool]:
    """Say which tensors of an example have the sizes of a layer's states."""
    import torch

    layers = [part for part in subject.module.modules() if isinstance(part, torch.nn.RNNBase)]
    sizes = {
        (layer.num_layers * (2 if layer.bidirectional else 1), width)
        for layer in layers
        for width in (layer.hidden_size, layer.proj_size or layer.hidden_size)
    }
    return [one.ndim == 3 and (one.shape[0], one.shape[2]) in sizes for one in subject.example]
