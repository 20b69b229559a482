"""``rnnlens init``: a first sidecar to stdout, and to stderr what was guessed."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from rnnlens.cli.inputs import network_from
from rnnlens.cli.options.arguments import Data, Language, Model, OnlyJson, names_typed
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.output import as_json, note, working
from rnnlens.errors import DataError
from rnnlens.names import counted, told

__all__ = ["init"]

_SCALER = (
    "a pickle, a dump of joblib, a file of skops, an .npz or JSON; nothing in it is run. "
    "FILE:KEY takes one of several."
)


@dataclass(frozen=True)
class InitOptions:
    """What is known beside the network and its data."""

    scaler: Annotated[
        str | None,
        typer.Option(help=f"The scaler of the features: {_SCALER}", show_default=False),
    ] = None
    target_scaler: Annotated[
        str | None,
        typer.Option(help="The scaler of the targets, where it is another.", show_default=False),
    ] = None
    features: Annotated[
        str | None, typer.Option(help="Columns that the network takes, in its order: a,b,c.")
    ] = None
    targets: Annotated[
        str | None, typer.Option(help="Columns that the network forecasts, in its order: a,b.")
    ] = None
    window: Annotated[int | None, typer.Option(min=1, help="Steps that the network takes.")] = None
    lead: Annotated[
        int | None, typer.Option(min=0, help="Steps from the newest one taken to the one forecast.")
    ] = None


@flattened
def init(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    options: InitOptions,
    json: OnlyJson = False,
    language: Language = None,
) -> None:
    """Write a first sidecar, with a comment where to check it."""
    from rnnlens import api
    from rnnlens.views.words.origin import fact_text

    if len(data) > 1:
        raise DataError(
            f"init looks at one table and got {len(data)}: join them first, or write the sidecar "
            "for the one with the target and add lines for the columns of the others"
        )
    network = network_from(model, reading)
    with working(told("looking at {file}", file=data[0].name)):
        made = api.init(
            network,
            data[0],
            scaler=options.scaler,
            target_scaler=options.target_scaler,
            features=names_typed(options.features),
            targets=names_typed(options.targets),
            window=options.window,
            lead=options.lead,
        )
    if json:
        typer.echo(as_json({"sidecar": made.text, "notes": made.notes}, indent=1))
        return
    for sentence in made.notes:
        note(sentence)
    typer.echo(made.text_by(fact_text), nl=False)
    beside = model.with_suffix(".toml").name
    note(
        counted(
            made.checks,
            "{count} line to check; kept as {file} beside the model, it is found by every command "
            "({command} says whether it fits)",
            "{count} lines to check; kept as {file} beside the model, it is found by every command "
            "({command} says whether it fits)",
            file=beside,
            command=_check_command(model, data[0], reading, made.text),
        )
    )


def _check_command(model: Path, data: Path, reading: ReadingOptions, sidecar: str) -> str:
    """Write the command that checks what was made, as it must be typed."""
    words = ["rnnlens", "check", str(model), str(data)]
    for name, value in asdict(reading).items():
        words += [] if value is None else [f"--{name}", str(getattr(value, "value", value))]
    targets = list(tomllib.loads(sidecar).get("targets", ()))
    words += ["--target", targets[0]] if len(targets) > 1 else []
    return shlex.join(words)
