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

#: The public names by what they are about, with what each group is called.
GROUPS: dict[str, tuple[str, ...]] = {
    "The network": (
        "read", "describe", "weights", "windows", "init", "predict", "fidelity", "identify",
        "convert",
    ),
    "The forecast": (
        "check", "explain", "interactions", "compare_baselines", "lags", "certify", "trust",
        "report",
    ),
    "Inside the cells": (
        "trace", "intervene", "gate_effects", "gate_contributions", "paths", "memory", "probe",
        "fixed_points", "bifurcations", "summarize_weights", "compare_weights", "record",
    ),
    "What they are asked with": (
        "Target", "Effort", "Intervention", "Certificates", "Test", "Shares",
    ),
}  # fmt: skip


def make_reference(folder: Path) -> None:
    """Write all pages anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, page in {**python_pages(), **command_pages()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")


def python_pages() -> dict[str, str]:
    """Give a page for every public name, and one that lists them."""
    known = {name for names in GROUPS.values() for name in names}
    if known != set(rnnlens.__all__):
        raise ValueError(f"the groups and rnnlens.__all__ differ in {known ^ set(rnnlens.__all__)}")
    pages, parts = {}, ["# Python", "", "Every public name, from its docstring.", ""]
    for group, names in GROUPS.items():
        parts += [f"## {group}", "", "| name | |", "|---|---|"]
        for name in names:
            first = (getattr(rnnlens, name).__doc__ or "").strip().splitlines()[0]
            parts.append(f"| [`{name}`](python/{name}.md) | {_as_markdown(first)} |")
            kind = "class" if name[0].isupper() else "function"
            pages[f"python/{name}.md"] = (
                f"# `rnnlens.{name}`\n\n```{{eval-rst}}\n.. auto{kind}:: rnnlens.{name}\n```\n"
            )
        parts += [
            "",
            "```{toctree}",
            ":hidden:",
            "",
            *(f"python/{name}" for name in names),
            "```",
            "",
        ]
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
    for name in commands:
        text = list(_help([name]))
        about = next(line.strip() for line in text[1:] if line.strip())
        lines.append(f"| [`rnnlens {name}`](commands/{name}.md) | {about} |")
        pages[f"commands/{name}.md"] = "\n".join([
            f"# `rnnlens {name}`",
            "",
            "```text",
            *text,
            "```",
            "",
        ])
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


def _help(words: list[str]) -> Iterator[str]:
    """Give the lines that ``--help`` prints."""
    from typer.testing import CliRunner

    from rnnlens.cli.app import app

    result = CliRunner().invoke(app, [*words, "--help"], env={"NO_COLOR": "1", "COLUMNS": "90"})
    for line in re.sub(r"\x1b\[[0-9;]*m", "", result.stdout).strip("\n").splitlines():
        yield line.rstrip()
