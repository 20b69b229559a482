"""What is refused: makers of bad input by the name of their case, and what each ends in.

The sentences stand in ``tests/refusals.toml``; a maker here does what ends in one of them.
"""

from __future__ import annotations

import re
import sys
import tomllib
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from refusal_sites import site_of
from rnnlens import errors
from rnnlens.errors import RnnlensError

__all__ = ["MAKERS", "REFUSALS", "alike", "holds", "instead_of_modules", "outcome", "section"]

#: Does what is refused, given an empty folder.
Maker = Callable[[Path], object]

#: Makers by the case's name, "section: case".
MAKERS: dict[str, Maker] = {}

#: The class and the sentence of every refusal, by the case's name.
REFUSALS: dict[str, str] = {
    f"{heading}: {name}": sentence
    for heading, cases in tomllib.loads(
        Path(__file__).parents[1].joinpath("refusals.toml").read_text(encoding="utf-8")
    ).items()
    for name, sentence in cases.items()
}


@contextmanager
def instead_of_modules(others: Mapping[str, object]) -> Generator[None]:
    """Let imports give something else, or nothing where it is None.

    `unittest.mock.patch.dict` would also forget what is first loaded meanwhile, and parts of Numba
    can be loaded but once.
    """
    before = {name: sys.modules[name] for name in others if name in sys.modules}
    sys.modules.update(others)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in others:
            del sys.modules[name]
        sys.modules.update(before)


@dataclass(frozen=True)
class Outcome:
    """What a case ended in: the class and the sentence, and the places in the code that raised."""

    said: str
    sites: frozenset[str]


def section(heading: str) -> Callable[[str], Callable[[Maker], Maker]]:
    """Give the decorator of one section's makers, which takes the name of the case."""

    def case(name: str) -> Callable[[Maker], Maker]:
        def keep(make: Maker) -> Maker:
            whole = f"{heading}: {name}"
            assert whole not in MAKERS, f"two makers are called {whole}"
            MAKERS[whole] = make
            return make

        return keep

    return case


def alike(*acts: Callable[[], object]) -> None:
    """Require that every act is refused in the same words, and refuse in these."""
    refusals = []
    for act in acts:
        try:
            act()
        except RnnlensError as error:
            refusals.append(error)
    assert len(refusals) == len(acts), "one of the sources was read"
    assert len({(type(error), str(error)) for error in refusals}) == 1, list(map(str, refusals))
    raise refusals[0]


@cache
def outcome(name: str) -> Outcome:
    """Run a case."""
    with TemporaryDirectory() as folder:
        try:
            MAKERS[name](Path(folder))
        except RnnlensError as error:
            kind = next(kind for kind in type(error).__mro__ if kind.__name__ in errors.__all__)
            said = f"{kind.__name__}: {error}".replace(folder, "{folder}")
            return Outcome(said, _sites(error))
    return Outcome("it was not refused", frozenset())


def _sites(error: BaseException | None) -> frozenset[str]:
    """Find the places that raised an error and what it was raised from."""
    sites: set[str | None] = set()
    while error is not None:
        frames = traceback.walk_tb(error.__traceback__)
        sites |= {site_of(frame.f_code.co_filename, line) for frame, line in frames}
        error = error.__cause__
    return frozenset(site for site in sites if site)


def holds(sentence: str, said: str) -> bool:
    """Tell whether a sentence of the file is what was said, word for word.

    ``{folder}`` is where the case put its files, ``{keras}`` and ``{onnxruntime}`` are their
    versions, ``{number}`` is a size that another library chose, and ``{said}`` is what it says.
    """
    pattern = re.escape(sentence).replace(r"\{said\}", ".+").replace(r"\{number\}", r"\d+")
    for library in ("keras", "onnxruntime"):
        pattern = pattern.replace(rf"\{{{library}\}}", re.escape(version(library)))
    return re.fullmatch(pattern, said) is not None
