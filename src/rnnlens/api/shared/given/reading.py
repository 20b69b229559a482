"""Reading what a verb was given: a file, or a live model, which is compared with what was read."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from rnnlens.readers.ending import ending_with
from rnnlens.readers.rerolled.left import with_loops_noted
from rnnlens.readers.step_axes import with_step_axes
from rnnlens.readers.unrolled.unroll import unrolled

if TYPE_CHECKING:
    from rnnlens.adapters.live import LiveModel
    from rnnlens.network.network import Network
    from rnnlens.readers.options import ReadOptions

__all__ = ["read_model"]


def read_model(source: object, options: ReadOptions) -> Network:
    """Read a trained network; what is at hand as a live module of PyTorch is held against it."""
    from rnnlens.adapters.recognised import adapter_of
    from rnnlens.readers.keras import live as keras_live
    from rnnlens.readers.open import read
    from rnnlens.readers.options import refuse_others
    from rnnlens.readers.torch.live import TAKES, match, readings
    from rnnlens.readers.torch.program import read as torch_program

    # these are about the network as read, whatever it was read from
    own = replace(options, step_axes=None, unroll=None, output=None)
    # who says how a module is called means the module itself, whatever library wrote it
    means_module = own.example is not None and match(source)
    adapter = None if means_module else adapter_of(source)
    if adapter is not None:
        refuse_others(own, adapter.TAKES, adapter.WHAT)
        network = _of_library(adapter.read(source, own))
    # a model of Keras with the backend PyTorch is a module of PyTorch too
    elif match(source) and not keras_live.match(source):
        from rnnlens.checks.as_read import compared

        refuse_others(own, TAKES, "a live PyTorch module")
        network = compared(readings(source, own), type(source).__name__)
    elif torch_program.match_live(source) or _is_program(source):
        from rnnlens.checks.as_read import compared

        refuse_others(own, (), "a program of torch.export")
        held = Path(source) if isinstance(source, str | PathLike) else source
        network = compared(torch_program.readings(held, own), "the program")
    else:
        network = read(source, own)
    if options.output is not None:
        network = ending_with(network, options.output)
    network = with_step_axes(with_loops_noted(network), options.step_axes)
    return network if options.unroll is None else unrolled(network, options.unroll)


def _of_library(made: Network | LiveModel) -> Network:
    """Give what an adapter read, its live module read and held against itself."""
    from rnnlens.adapters.live import LiveModel
    from rnnlens.checks.as_read import compared
    from rnnlens.readers.options import ReadOptions
    from rnnlens.readers.torch.live import readings

    if not isinstance(made, LiveModel):
        return made
    network = compared(readings(made.module, ReadOptions(example=made.example)), made.name)
    origin = network.origin
    notes, left = (*made.notes, *origin.notes), (*origin.left_out, *made.left_out)
    origin = replace(origin, format=made.library, notes=notes, left_out=left)
    return replace(network, origin=origin, name=made.name)


def _is_program(source: object) -> TypeGuard[str | PathLike[str]]:
    """Tell whether a source is a file of ``torch.export.save``."""
    from rnnlens.readers.torch.program.read import match

    return isinstance(source, str | PathLike) and Path(source).is_file() and match(Path(source))
