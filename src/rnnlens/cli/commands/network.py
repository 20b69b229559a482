"""The verbs about a network: naming its arrays, another format, compiled kernels."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlens.cli.inputs import network_from
from rnnlens.cli.options.arguments import Language, Model, OnlyJson
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.output import PIPE_WIDTH, as_json, columns, working
from rnnlens.errors import InputError
from rnnlens.names import told

if TYPE_CHECKING:
    from rnnlens.api.network.conversion import Conversion

__all__ = ["compile", "convert", "inspect"]


@flattened
def inspect(
    model: Model,
    *,
    reading: ReadingOptions,
    values: Annotated[
        bool, typer.Option("--values", help="Print every array's numbers as well.")
    ] = False,
    json: OnlyJson = False,
    language: Language = None,
) -> None:
    """Name every array by its gate."""
    from rnnlens.adapters.recognised import adapter_of
    from rnnlens.api.shared.given.reading import read_model
    from rnnlens.api.shared.reach import described
    from rnnlens.network.arrays import Arrays, describe_arrays
    from rnnlens.readers.open import read_or_name_arrays
    from rnnlens.readers.options import ReadOptions
    from rnnlens.views.tables.inspection import render_inspection

    options = ReadOptions(
        architecture=reading.architecture,
        layers=reading.layers,
        head=reading.head,
        part=reading.part,
        nonlinearity=reading.nonlinearity,
        until=reading.until,
        output=reading.output,
        same_as=reading.same_classes,
        unroll=reading.unroll,
    )
    reader = read_or_name_arrays if adapter_of(model) is None else read_model
    held = reader(model, options)
    if isinstance(held, Arrays):
        description = describe_arrays(held, values=values)
    else:
        description = described(held, values=values)
    typer.echo(
        as_json(description, indent=1)
        if json
        else render_inspection(description, values=values, width=min(columns(), PIPE_WIDTH))
    )


@flattened
def convert(
    model: Model,
    out: Annotated[
        Path,
        typer.Argument(
            help="The file to write: .keras (Keras 3), .safetensors (PyTorch state dict), .onnx, "
            "or .npz with named arrays.",
            show_default=False,
        ),
    ],
    *,
    reading: ReadingOptions,
    check: Annotated[
        bool,
        typer.Option(help="Run the written file by its own library too, where it is installed."),
    ] = True,
    json: OnlyJson = False,
    language: Language = None,
) -> None:
    """Write a network in another format."""
    from rnnlens import api

    network = network_from(model, reading)
    if out.exists() and out.samefile(model):
        raise InputError(f"{out} is the source itself; give another name")
    with working(told("writing {file}", file=out.name)):
        done = api.convert(network, out, check=check)
    facts = {spec.name: getattr(done, spec.name) for spec in fields(done) if spec.name != "network"}
    typer.echo(as_json(facts, indent=1) if json else "\n".join(_said(done)))


def _said(done: Conversion) -> list[str]:
    """Say what was written, one line a fact; the code of a class last."""
    from rnnlens.views.words.language import say
    from rnnlens.views.words.origin import fact_text

    lines = [
        say(
            "wrote {path} ({format}, {bytes:,} bytes)",
            path=done.path,
            format=done.format,
            bytes=done.bytes,
        ),
        say(
            "largest difference {largest:.3g} on {samples} random inputs, source and file both run "
            "by rnnlens (tolerance {tolerance:.2g})",
            largest=done.largest_difference,
            samples=done.samples,
            tolerance=done.tolerance,
        ),
    ]
    if done.library_difference is not None:
        lines.append(
            say(
                "largest difference {largest:.3g} when {library} runs it",
                largest=done.library_difference,
                library=done.library,
            )
        )
    lines += [say("note: {text}", text=fact_text(each)) for each in done.notes]
    return [*lines, "", done.code] if done.code else lines


def compile(*, language: Language = None) -> None:
    """Compile the kernels for this machine, ahead of the first question."""
    from time import perf_counter

    from rnnlens.api.shared.compiling.ahead import compile_all
    from rnnlens.api.shared.kernels import KINDS
    from rnnlens.views.words.language import say

    begun = perf_counter()
    with working(
        told("compiling the kernels of {count} kinds of cells", count=len(KINDS))
    ) as progress:
        compile_all(progress)
    took = perf_counter() - begun
    typer.echo(
        say(
            "the kernels of {kinds} cells are compiled ({took:.0f} s)",
            kinds=", ".join(KINDS),
            took=took,
        )
    )
