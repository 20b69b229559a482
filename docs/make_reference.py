"""Write the pages of the reference that are made from the code: public names, commands, methods.

`conf.py` calls this when the site is built; what it writes lies in ``reference/made`` and is kept
by nobody.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import rnnlens

__all__ = ["GROUPS", "command_pages", "make_reference", "python_pages"]

#: What the rooms of the verbs are called here; names from elsewhere stand under the last.
GROUPS = {
    "rnnlens.api.network": "The network",
    "rnnlens.api.forecast": "The forecast",
    "rnnlens.api.inside": "Inside the cells",
    "": "What they are asked with",
}


def make_reference(folder: Path) -> None:
    """Write all pages anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, page in {**python_pages(), **command_pages()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")


def python_pages() -> dict[str, str]:
    """Give a page for every public name, and one that lists them."""
    from rnnlens import plot

    groups: dict[str, dict[str, object]] = {group: {} for group in GROUPS.values()}
    for name in rnnlens.__all__:
        thing = getattr(rnnlens, name)
        room = next(room for room in GROUPS if thing.__module__.startswith(room))
        groups[GROUPS[room]][name] = thing
    groups["Charts"] = {f"plot.{name}": getattr(plot, name) for name in plot.__all__}
    pages, parts = {}, ["# Python", "", "Every public name, from its docstring.", ""]
    for group, things in groups.items():
        parts += [f"## {group}", "", "| name | |", "|---|---|"]
        for name, thing in things.items():
            first = (thing.__doc__ or "").strip().splitlines()[0]
            parts.append(f"| [`{name}`](python/{name}.md) | {_as_markdown(first)} |")
            kind = "class" if isinstance(thing, type) else "function"
            pages[f"python/{name}.md"] = (
                f"# `rnnlens.{name}`\n\n```{{eval-rst}}\n.. auto{kind}:: rnnlens.{name}\n```\n"
            )
        hidden = (f"python/{name}" for name in things)
        parts += ["", "```{toctree}", ":hidden:", "", *hidden, "```", ""]
    pages["python.md"] = "\n".join(parts)
    return pages


def _as_markdown(line: str) -> str:
    """Write a line of a docstring for a table in Markdown."""
    return line.replace("``", "`").replace("|", "\\|")


def command_pages() -> dict[str, str]:
    """Give a page for every command, and one that lists them, from what ``--help`` says."""
    from typer.main import get_command

    from rnnlens.cli.app import app

    group = get_command(app)
    commands: Mapping[str, object] = group.commands
    lines = ["# Command line", "", "Every command, from its own `--help`.", "", "```text"]
    lines += [*_help([]), "```", "", "| command | |", "|---|---|"]
    pages = {}
    for name, command in commands.items():
        text = list(_help([name]))
        page = [f"# `rnnlens {name}`", "", "```text", *text, "```", ""]
        for part in getattr(command, "commands", {}):
            page += [f"## `rnnlens {name} {part}`", "", "```text", *_help([name, part]), "```", ""]
        lines.append(f"| [`rnnlens {name}`](commands/{name}.md) | {_about(text)} |")
        pages[f"commands/{name}.md"] = "\n".join(page)
    lines += [
        "",
        "```{toctree}",
        ":hidden:",
        "",
        *(f"commands/{name}" for name in commands),
        "```",
        "",
    ]
    pages["commands.md"] = "\n".join(lines)
    return pages


def _about(text: list[str]) -> str:
    """Give the first paragraph below the usage, in one line."""
    below = "\n".join(line.strip() for line in text).split("\n\n")
    return _as_markdown(" ".join(below[1].split()))


def _help(words: list[str]) -> Iterator[str]:
    """Give the lines that ``--help`` prints."""
    from typer.testing import CliRunner

    from rnnlens.cli.app import app

    result = CliRunner().invoke(app, [*words, "--help"], env={"NO_COLOR": "1", "COLUMNS": "90"})
    for line in re.sub(r"\x1b\[[0-9;]*m", "", result.stdout).strip("\n").splitlines():
        yield line.rstrip()
