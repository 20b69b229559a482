"""Running the pages of the documentation: their blocks of code and commands, one after the other.

A block of ``text`` that follows a block directly is what that block prints. A line of three dots
in it stands for any lines, and a number may differ by one in its last digit from one machine to
another. A hidden block, ``<!-- python`` to ``-->``, makes what a block needs that a reader has.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from rnnlens.cli.app import app

__all__ = [
    "DOCS",
    "ELSEWHERE",
    "MADE",
    "Block",
    "Ran",
    "blocks_of",
    "differs",
    "pages",
    "run",
    "shown_as",
]

DOCS = Path(__file__).resolve().parents[1] / "docs"
#: Made when the site is built.
MADE = "reference/made"
#: Translated pages, whose blocks are those of their originals.
TRANSLATED = "zh/"
#: Pages whose blocks are run by what makes them, and by tests of their own.
ELSEWHERE = {"gallery.md": "make gallery", "integrations.md": "make integrations"}
_BLOCK = re.compile(
    r"^(?:```(?P<language>\w*)\n(?P<text>.*?)^```$|<!-- (?P<hidden>python)\n(?P<unseen>.*?)^-->$)",
    re.MULTILINE | re.DOTALL,
)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Block:
    """A block that runs, where it stands, and what the page says that it prints."""

    language: str
    text: str
    line: int
    #: What follows as ``text``, and where in the page that stands; nothing where nothing follows.
    shown: str | None = None
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Ran:
    """A block and what it printed."""

    block: Block
    printed: str


def pages() -> list[str]:
    """Every page with a block that is run here, by its path within the documentation."""
    named = (path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md")))
    here = (name for name in named if not name.startswith((MADE, TRANSLATED)))
    kept = (name for name in here if name not in ELSEWHERE)
    return [name for name in kept if blocks_of(name)]


def blocks_of(name: str) -> list[Block]:
    """The blocks of a page that run, in order."""
    page = (DOCS / name).read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(page))
    blocks = []
    for number, match in enumerate(found):
        language = match["language"] or match["hidden"]
        if language not in {"python", "console"}:
            continue
        shown, span = _printed_below(page, found[number : number + 2])
        line = page.count("\n", 0, match.start()) + 1
        text = match["text"] if match["hidden"] is None else match["unseen"]
        blocks.append(Block(language, text, line, shown, span))
    return blocks


def _printed_below(
    page: str, pair: list[re.Match[str]]
) -> tuple[str, tuple[int, int]] | tuple[None, None]:
    """What the page says that a block prints, where a block of text follows it directly."""
    if len(pair) < 2 or pair[1]["language"] != "text":
        return None, None
    if page[pair[0].end() : pair[1].start()].strip():
        return None, None
    return pair[1]["text"], pair[1].span("text")


def run(name: str, folder: Path) -> Iterator[Ran]:
    """Run the blocks of a page in a folder, all code in one namespace."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with chdir(folder):
        for block in blocks_of(name):
            if block.language == "console":
                yield Ran(block, "".join(_command(line) for line in block.text.splitlines()))
                continue
            out = io.StringIO()
            with redirect_stdout(out):
                # as many line ends before it as stand before it in the page: errors name its lines
                exec(compile("\n" * block.line + block.text, name, "exec"), namespace)
            yield Ran(block, out.getvalue())


def _command(line: str) -> str:
    """Run one line if it calls rnnlens, and give what it prints."""
    call, _, target = line.partition(" > ")
    words = shlex.split(call, comments=True)
    if words[:1] != ["rnnlens"]:
        return ""
    result = CliRunner(env={"COLUMNS": None}).invoke(app, words[1:])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code:
        raise AssertionError(f"{line}: {result.stderr}")
    if target:
        Path(shlex.split(target, comments=True)[0]).write_text(result.stdout, encoding="utf-8")
        return ""
    return result.stdout


def shown_as(printed: str) -> str:
    """Lay out what was printed as a page shows it."""
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


def differs(shown: str, printed: str) -> str:
    """Say the first line that a page shows and that was not printed; nothing where all were."""
    lines = [line for line in shown_as(printed).splitlines() if line.strip()]
    at, anywhere = 0, False
    for wanted in (line.rstrip() for line in shown.splitlines() if line.strip()):
        if wanted.strip() == "...":
            anywhere = True
            continue
        reach = lines[at:] if anywhere else lines[at : at + 1]
        places = [place for place, line in enumerate(reach) if _alike(wanted, line)]
        if not places:
            return f"{wanted!r}, but printed was {(reach or ['nothing more'])[0]!r}"
        at, anywhere = at + places[0] + 1, False
    if at < len(lines) and not anywhere:
        return f"nothing more, but printed was {lines[at]!r}"
    return ""


def _alike(wanted: str, line: str) -> bool:
    """Whether two lines say the same, to one in the last digit of each number."""
    if _NUMBER.sub("#", " ".join(wanted.split())) != _NUMBER.sub("#", " ".join(line.split())):
        return False
    pairs = zip(_NUMBER.findall(wanted), _NUMBER.findall(line), strict=True)
    return all(_near(one, other) for one, other in pairs)


def _near(one: str, other: str) -> bool:
    digits = len(one.partition(".")[2])
    if digits != len(other.partition(".")[2]):
        return False
    return abs(float(one.replace(",", "")) - float(other.replace(",", ""))) <= 1.01 * 10**-digits
