"""What a pickle's instructions leave when nobody follows them: markers, and values that do nothing.

A pickle is a program. Read by `rnnlens.pickles.machine` it becomes numbers, texts, lists and what
stands here; none of these classes calls, imports or looks anything up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rnnlens.errors import SHOWN

__all__ = ["Global", "Made", "Pairs", "shown"]

#: Letters of a name in a file that a message shows.
SHOWN_LETTERS = 60


def shown(text: str) -> str:
    """Cut a name from a file to what a message can show."""
    clear = text.translate(SHOWN)
    return clear if len(clear) <= SHOWN_LETTERS else f"{clear[:SHOWN_LETTERS]}..."


@dataclass(frozen=True)
class Global:
    """The name of a class or function, which is never looked up."""

    module: str
    name: str

    @property
    def path(self) -> str:
        """Both parts, as a message shows them."""
        return shown(f"{self.module}.{self.name}")


@dataclass(eq=False)
class Pairs:
    """The entries of a dict: its keys are never hashed, for they may be anything."""

    entries: list[tuple[object, object]] = field(default_factory=list)

    def named(self) -> dict[str, object]:
        """Give the entries whose keys are texts."""
        return {key: value for key, value in self.entries if isinstance(key, str)}


@dataclass(eq=False)
class Made:
    """What a call would have made: the callee's name, its arguments, and the state set after."""

    maker: Global
    arguments: tuple[object, ...]
    state: object = None
    items: list[object] = field(default_factory=list)
    pairs: Pairs = field(default_factory=Pairs)
