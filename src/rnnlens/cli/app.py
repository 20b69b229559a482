"""The command ``rnnlens``: its verbs, and what becomes of an error."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rnnlens import __version__
from rnnlens.cli.characters import show_all
from rnnlens.cli.commands.bulk import bulk
from rnnlens.cli.commands.dynamics import (
    bifurcations,
    fixed_points,
    gate_contributions,
    memory,
    probe,
)
from rnnlens.cli.commands.evidence import certify, lags, trust
from rnnlens.cli.commands.fidelity import fidelity
from rnnlens.cli.commands.forecast import check, explain, trace
from rnnlens.cli.commands.network import compile, convert, inspect
from rnnlens.cli.commands.pages import demo, report
from rnnlens.cli.commands.plot import plot
from rnnlens.cli.commands.weights import compare_weights, summarize_weights
from rnnlens.cli.ctrl_c import ctrl_c_heard
from rnnlens.cli.init import init
from rnnlens.cli.output import INTERRUPTED, sentence
from rnnlens.cli.typed import keep_words, why_refused
from rnnlens.errors import RnnlensError

__all__ = ["app", "main"]

#: The verbs in the order in which the help lists them.
VERBS: tuple[Callable[..., None], ...] = (
    inspect,
    init,
    fidelity,
    check,
    trace,
    explain,
    lags,
    certify,
    gate_contributions,
    memory,
    trust,
    fixed_points,
    bifurcations,
    probe,
    summarize_weights,
    compare_weights,
    plot,
    report,
    convert,
    compile,
    demo,
)


#: New objects after which garbage is looked for among them.
SELDOM = 20_000


class Verbs(TyperGroup):
    """The verbs, whose errors end in one sentence and an exit code."""

    def invoke(self, ctx: Any) -> object:  # what typer calls a context here has no public name
        """Run a verb."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except typer.BadParameter as error:
            error.message = why_refused(error)
            raise
        except RnnlensError as error:
            typer.echo(sentence(str(error)), err=True)
            raise typer.Exit(1) from None
        except BrokenPipeError:
            _silence(sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            typer.echo(sentence(f"{where}{error.strerror or error}"), err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo(sentence("interrupted"), err=True)
            raise typer.Exit(INTERRUPTED) from None
        return result

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the verb, and keep what was typed."""
        keep_words(["rnnlens", *args])
        return super().resolve_command(ctx, args)


def _silence(descriptor: int) -> None:
    """Let the interpreter's last flush go nowhere, for the pipe is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


app = typer.Typer(
    name="rnnlens",
    cls=Verbs,
    help="Open up a trained recurrent network and say what it learned.",
    epilog="Exit code 1: a problem with the input, said in one sentence. 2: a wrong command line.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for verb in VERBS:
    app.command()(verb)
app.add_typer(bulk)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rnnlens {__version__}")
        raise typer.Exit


@app.callback()
def settings(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Take the options that stand before a verb."""


def main() -> None:
    """Run the command line."""
    # A terminal or a pipe that cannot show a character gets ASCII for it, not an error.
    for stream in (sys.stdout, sys.stderr):
        show_all(stream)
    # A verb is one short process of many modules, whose objects all live as long as it does.
    gc.set_threshold(SELDOM)
    try:
        with ctrl_c_heard():
            app(prog_name="rnnlens")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            # Python would wait for threads that are in the middle of a kernel; what they have in
            # work goes nowhere, and every file is whole or not there by now.
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(INTERRUPTED)
        raise
    finally:
        gc.freeze()  # or Python looks through all of them again before it ends
