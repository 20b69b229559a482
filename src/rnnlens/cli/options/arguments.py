"""What is typed of more than one verb: the model, the data, and where the answer goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rnnlens.arguments import seconds_of

__all__ = [
    "Data",
    "Model",
    "Of",
    "OnlyJson",
    "OutputOptions",
    "budget_typed",
    "checked_out",
    "names_typed",
]

#: Suffixes that ``--out`` takes.
SUFFIXES = (".csv", ".json", ".nc")


def names_typed(text: str | None) -> list[str] | None:
    """Read names as they are typed: a,b,c."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def checked_out(path: Path | None, suffixes: Sequence[str] = SUFFIXES) -> Path | None:
    """Refuse a name for a result that ends in none of the suffixes, or lies in no folder."""
    if path is not None and path.suffix.lower() not in suffixes:
        raise typer.BadParameter(f"the name must end in one of {', '.join(suffixes)}")
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


def _out(path: Path | None) -> Path | None:
    return checked_out(path)


def _speak(context: typer.Context, code: str | None) -> str | None:
    """Say everything in a language until the command ends."""
    if code is not None:
        from rnnlens.views.words.language import check_language, language

        context.with_resource(language(check_language(code, "--language")))
    return code


Model = Annotated[
    Path,
    typer.Argument(
        help="The trained network: a file of Keras, PyTorch, ONNX or rnnlens.", show_default=False
    ),
]
Data = Annotated[
    list[Path],
    typer.Argument(
        help="The series, as CSV, Parquet or .npz, several being joined by their times; or windows "
        "(sample, step, feature) in an .npz or .npy.",
        show_default=False,
    ),
]
Of = Annotated[
    str | None,
    typer.Option(
        help="The inputs that are asked about, where the network has several: a,b; all if left "
        "out. The others keep their values.",
        show_default=False,
    ),
]
Language = Annotated[
    str | None,
    typer.Option(
        help="The language of sentences, tables and titles: en or zh; errors stay English.",
        envvar="RNNLENS_LANGUAGE",
        callback=_speak,
        show_default=False,
    ),
]
OnlyJson = Annotated[bool, typer.Option("--json", help="Give JSON, and nothing else, on stdout.")]


@dataclass(frozen=True)
class OutputOptions:
    """Where the answer goes."""

    json: OnlyJson = False
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the result to a file too: .csv, .json or .nc (netCDF).",
            callback=_out,
        ),
    ] = None
    language: Language = None


def budget_typed(text: str | None, what: str) -> int | str | None:
    """Read a budget as it is typed: a number of boxes, or of what else it counts, or a time.

    Examples
    --------
    >>> budget_typed("500", "boxes"), budget_typed("30 s", "boxes")
    (500, '30 s')
    """
    if text is None:
        return None
    if not text.strip().isdigit() and seconds_of(text) is None:
        raise typer.BadParameter(f"--budget takes {what}, as 500, or a time, as '30 s'; not {text}")
    return int(text) if text.strip().isdigit() else text
