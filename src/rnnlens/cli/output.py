"""Where words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from rnnlens.names import told

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import RenderableType

    from rnnlens.cli.options.arguments import OutputOptions
    from rnnlens.engine.schedule.plan import Estimate

__all__ = [
    "INTERRUPTED",
    "PIPE_WIDTH",
    "as_json",
    "columns",
    "duration",
    "end_as_asked",
    "foretell",
    "give",
    "note",
    "note_typeface",
    "sentence",
    "show",
    "size",
    "working",
    "wrote",
]

Result = TypeVar("Result", bound="xr.Dataset | xr.DataTree")

#: Columns of a table that goes to a file or a pipe.
PIPE_WIDTH = 100
#: Exit code after Ctrl-C, as shells give it.
INTERRUPTED = 130
#: How a result says that Ctrl-C ended it.
KEPT = "interrupted"
#: Seconds that work may take without being announced.
LONG = 3.0


def sentence(text: str) -> str:
    """Give a message on one line, with the program's name before it."""
    return f"rnnlens: {' '.join(text.split())}"


def note(text: str) -> None:
    """Say something that is no result, on stderr; what was told, in the language asked for."""
    from rnnlens.views.words.language import say
    from rnnlens.views.words.origin import fact_text

    typer.echo(say("note: {text}", text=fact_text(text)), err=True)


def wrote(path: Path) -> str:
    """Say that a file was written."""
    return told("wrote {path}", path=str(path))


def note_typeface(path: Path, code: str) -> None:
    """Say that a picture needs a typeface of its language, which is drawn into it here."""
    if code == "zh" and path.suffix.lower() in {".png", ".pdf"}:
        note(
            told(
                "Chinese is drawn with a typeface of this machine, such as Noto Sans CJK SC; where "
                "none is installed it is drawn as boxes, and .html leaves it to the reader's "
                "browser"
            )
        )


def as_json(value: object, *, indent: int | None = None) -> str:
    """Write plain data as JSON that every reader takes: no NaN, no infinity.

    What a terminal or pipe cannot show is escaped, so that nothing of it is lost.
    """
    whole = (getattr(sys.stdout, "encoding", None) or "ascii").lower().startswith("utf")
    return json.dumps(value, ensure_ascii=not whole, allow_nan=False, indent=indent)


def columns() -> int:
    """Give the columns of the terminal, or those that COLUMNS states; of a pipe else a page's."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    return PIPE_WIDTH


def show(renderable: RenderableType) -> None:
    """Print a table to stdout, as wide as the terminal, or for a pipe as wide as a page."""
    from rich.console import Console

    from rnnlens.cli.fitted import fitted

    width = columns()
    console = Console(file=sys.stdout, width=width)
    console.print(fitted(renderable, width), highlight=False, markup=False)


def foretell(estimate: Estimate | None) -> None:
    """Say on stderr what work will take, where it is long."""
    if estimate is None or estimate.seconds < LONG:
        return
    note(
        told(
            "about {time}, {memory}; Ctrl-C ends it",
            time=duration(estimate.seconds),
            memory=size(estimate.bytes),
        )
    )


def duration(seconds: float) -> str:
    """Give a time as people say it."""
    if seconds >= 2 * 86400:
        return told("{number:.0f} days", number=seconds / 86400)
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(count: int) -> str:
    """Give a number of bytes as people say it."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{max(count / 1e6, 1):.0f} MB"


@contextmanager
def working(text: str) -> Generator[Callable[[int, int], None] | None]:
    """Show on stderr how far work has come, where somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    from rnnlens.views.words.origin import fact_text

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(fact_text(text), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def give(
    result: Result,
    output: OutputOptions,
    *,
    view: Callable[[Result], RenderableType],
    plain: Callable[[Result], object],
    indent: int | None = None,
) -> None:
    """Write a result where it was asked for."""
    text = as_json(plain(result), indent=indent) if _wants_json(output) else ""
    if output.out is not None:
        _save(result, output.out, text)
        note(wrote(output.out))
    if output.json:
        typer.echo(text)
    else:
        show(view(result))


def end_as_asked(result: xr.Dataset | xr.DataTree, ended: str) -> None:
    """End as Ctrl-C does where it ended a search whose part was kept and given: an attribute."""
    parts = [result, *getattr(result, "children", {}).values()]
    if any(part.attrs.get(ended) == KEPT for part in parts):
        typer.echo(sentence("interrupted; what was done by then is given"), err=True)
        raise typer.Exit(INTERRUPTED)


def _wants_json(output: OutputOptions) -> bool:
    return output.json or (output.out is not None and output.out.suffix.lower() == ".json")


def _save(result: xr.Dataset | xr.DataTree, path: Path, text: str) -> None:
    if path.suffix.lower() == ".json":
        from rnnlens.results.place import placed

        with placed(path) as draft:
            draft.write_text(f"{text}\n", encoding="utf-8")
        return
    from rnnlens.results import save

    save(result, path)
