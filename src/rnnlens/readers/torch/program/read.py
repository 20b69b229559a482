"""Programs of ``torch.export`` as networks, by the same way as live modules."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.check import check
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.refusals import WrongSampleAxis
from rnnlens.readers.torch.called import Finest, ModuleLayout
from rnnlens.readers.torch.lengths import Candidate, candidates
from rnnlens.readers.torch.live import Reading, as_taken, exported
from rnnlens.readers.torch.program import archive
from rnnlens.readers.torch.program.exported import program_of
from rnnlens.readers.torch.program.steps import SWAPS, Program, drawn, module_of, sizes_of
from rnnlens.readers.torch.signature.subject import Subject, sample_axes, subject_of

if TYPE_CHECKING:
    import torch

__all__ = ["match", "match_live", "read", "readings"]

match = archive.match
#: Samples that a program of any number of them is called on.
SAMPLES = 4


def match_live(source: object) -> TypeGuard[torch.export.ExportedProgram]:
    """Tell whether an object is a program of ``torch.export``, without importing torch."""
    found = getattr(sys.modules.get("torch.export"), "ExportedProgram", None)
    return isinstance(found, type) and isinstance(source, found)


def read(source: Path | torch.export.ExportedProgram, options: ReadOptions) -> Network:
    """Read a program, without comparing it with what its steps give."""
    return next(readings(source, options)).network


def readings(
    source: Path | torch.export.ExportedProgram, options: ReadOptions
) -> Iterator[Reading]:
    """Read a program in the ways that its sizes allow, still to be compared with its steps."""
    if isinstance(source, Path):
        program = archive.program_in(source)
        origin = Origin("PyTorch exported program (.pt2)", "", str(source), digest_of(source))
    else:
        program, origin = program_of(source), Origin("PyTorch exported program")
    if not program.inputs:
        raise InputError("the program takes no array, so it is no forecaster: give another")
    tried: UnsupportedModel | None = None
    for symbol, swapped in [(one, "") for one in program.symbols] or [("", how) for how in SWAPS]:
        try:
            yield from _with_samples(program, symbol, swapped, origin)
        except UnsupportedModel as error:
            tried = tried or error
    # the program's steps themselves do not go with another number of samples
    stuck = isinstance(tried, WrongSampleAxis) and tried.__cause__ is not None
    if stuck and not program.symbols:
        raise UnsupportedModel(
            f"the program was exported for {program.inputs[0][1][0]} samples alone and does not "
            "serve another number: export it again with the samples' axis of every input free, as "
            "in torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim.AUTO},)), "
            "or give the module itself with example="
        ) from tried
    if tried is not None:
        raise tried


def _with_samples(program: Program, symbol: str, swapped: str, origin: Origin) -> Iterator[Reading]:
    """Take one symbol for the number of samples; none where it is fixed."""
    example = drawn(program, sizes_of(program, dict(program.hints)))
    fixed = None if symbol else example[0].shape[0]
    subject = _subject(module_of(program, fixed, swapped), program, example)
    finest = Finest(module_of(program, None))
    shapes = [shape for _, shape, _ in program.inputs]
    ways = [tuple(shape.index(symbol) if symbol in shape else 0 for shape in shapes)]
    for axes in ways if symbol else sample_axes(subject):
        if symbol and len(program.symbols) > 1:
            found = candidates(
                partial(exported, subject, axes), subject.example, axes, subject.starts
            )
        else:
            graph = exported(subject, axes, subject.example)
            found = iter([Candidate(graph, tuple(graph.nodes), ())])
        for candidate in found:
            yield _reading(subject, candidate, origin, finest, fixed)


def _subject(module: torch.nn.Module, program: Program, example: list[torch.Tensor]) -> Subject:
    subject = subject_of(module, tuple(example))
    names = tuple(name for name, _, _ in program.inputs)
    return replace(subject, call=replace(subject.call, names=names))


def _reading(
    subject: Subject, candidate: Candidate, origin: Origin, finest: Finest, fixed: int | None
) -> Reading:
    graph = candidate.graph
    layout = ModuleLayout(
        tuple(traced.batch or 0 for traced in graph.inputs),
        tuple(traced.batch or 0 for traced in graph.given),
        tuple(tensor.dtype for tensor in subject.example),
        subject,
        graph.rounded,
    )
    notes = [told("the network is that of the program's own steps; no code of it was run")]
    if not candidate.steps:
        notes.append(told("the graph as exported serves windows of the example's length"))
    network = Network(
        candidate.nodes, tuple(graph.outputs), replace(origin, notes=tuple(notes)), "program"
    )
    whole = frozenset(
        name
        for name, tensor in zip(network.inputs, subject.example, strict=True)
        if not tensor.dtype.is_floating_point
    )
    arrays, steps = as_taken(network, layout, candidate, subject.example)
    return Reading(check(network), arrays, steps, whole, partial(_run, finest, layout, fixed))


def _run(
    finest: Finest, layout: ModuleLayout, fixed: int | None, inputs: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], float]:
    """Run the program itself, so many samples at a time as it takes."""
    count = len(next(iter(inputs.values())))
    if fixed is None:
        return finest.run(layout, inputs)
    made: list[tuple[list[np.ndarray], float]] = []
    for first in range(0, count, fixed):
        places = np.arange(first, first + fixed) % count
        made.append(finest.run(layout, {name: array[places] for name, array in inputs.items()}))
    outputs = [
        np.concatenate(parts)[:count] for parts in zip(*(one for one, _ in made), strict=True)
    ]
    return outputs, made[0][1]
