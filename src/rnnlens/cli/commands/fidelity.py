"""The verb that proves that a network was read right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlens.cli.inputs import asked_from, network_from, number_of
from rnnlens.cli.options.arguments import Language, Model, OnlyJson
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.output import as_json, working
from rnnlens.cli.shown import stored_outputs
from rnnlens.errors import InputError
from rnnlens.names import told

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["fidelity"]


@flattened
def fidelity(
    model: Model,
    source: Annotated[
        Path,
        typer.Argument(
            help="What can be run (an ONNX file, by onnxruntime; a Keras file, by Keras), or what "
            "the model gave, in the network's own units: .npy, .csv, or .npz with outputs and X.",
            show_default=False,
        ),
    ],
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="The series, or windows; not needed where SOURCE holds the windows too.",
            show_default=False,
        ),
    ] = None,
    *,
    reading: ReadingOptions,
    series: SeriesOptions,
    json: OnlyJson = False,
    language: Language = None,
) -> None:
    """Prove that the network was read right; exit code 1 where it does not agree."""
    from rnnlens import api

    network = network_from(model, reading)
    stored = stored_outputs(source, network)
    if data:
        _, windows, _ = asked_from((model, network, data), series)
    elif stored is not None and stored.inputs is not None:
        windows = None
    else:
        raise InputError(
            f"{source.name} holds no windows: give the series, or the windows, after it"
        )
    given = source if stored is None else stored.outputs
    if windows is None:
        assert stored is not None
        assert stored.inputs is not None
        found = api.fidelity(network, given, stored.inputs)
    else:
        with working(told("running {count:,} windows", count=number_of(windows))):
            found = api.fidelity(network, given, windows)
    typer.echo(as_json(_facts(found), indent=1) if json else _sentence(found))
    if not found.attrs["agrees"]:
        raise typer.Exit(1)


def _facts(found: xr.Dataset) -> dict[str, object]:
    """Give what was found as plain data."""
    names = ("agrees", "largest", "tolerance", "samples", "against", "rounds")
    facts: dict[str, object] = {name: found.attrs.get(name) for name in names}
    facts["agrees"] = bool(found.attrs["agrees"])
    if not found.attrs["largest"] < float("inf"):  # the source gave what is no number
        return facts | {"largest": None, "largest_difference": None}
    return facts | {"largest_difference": found["largest_difference"].values.tolist()}


def _sentence(found: xr.Dataset) -> str:
    from rnnlens.views.words.language import say
    from rnnlens.views.words.origin import attribute_text

    a = found.attrs
    rounds = attribute_text(a, "rounds")
    values = {
        "source": attribute_text(a, "against"),
        "samples": a["samples"],
        "largest": a["largest"],
        "tolerance": f"{a['tolerance']:.2g}",
    }
    if rounds:
        values["tolerance"] = say(
            "{tolerance}, as {rounds}", tolerance=values["tolerance"], rounds=rounds
        )
    if a["agrees"]:
        return say(
            "The network as read and {source} agree on {samples:,} windows: the largest difference "
            "is {largest:.2g} network units (tolerance {tolerance}).",
            **values,
        )
    return say(
        "The network as read and {source} DO NOT AGREE on {samples:,} windows: the largest "
        "difference is {largest:.2g} network units (tolerance {tolerance}).",
        **values,
    )
