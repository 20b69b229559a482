"""The layers of a state dict as a caller states them: ``LSTM(rnn) > relu > Linear(fc)``.

A statement is a chain. Its parts are layers with arrays, by their class in PyTorch and their name
in the state dict (the name alone serves too), activations, what is taken of the steps (``last``,
``final``, ``mean``, ``max``, ``every``, ``flatten``), and branches in brackets, ``[mean, last]``,
which ``concat``, ``add``, ``subtract`` or ``multiply`` joins; branches that end it are outputs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rnnlens.errors import InputError

__all__ = ["EXAMPLE", "Branches", "Chain", "Part", "parse_statement", "wrong"]

EXAMPLE = "LSTM > relu > Linear(fc)"
#: Letters of a statement at most, parts, and branches within branches.
LONGEST, MOST_PARTS, DEEPEST = 10_000, 500, 8

TOKEN = re.compile(r"\s*([\w.+\-]+|[()\[\],=>])")


@dataclass(frozen=True)
class Part:
    """One part of a chain."""

    word: str
    #: What stands in its brackets, without a name and by name.
    given: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Branches:
    """Chains that all begin at the same place."""

    chains: tuple[Chain, ...]


#: Parts one after another.
Chain = tuple["Part | Branches", ...]


def wrong(text: str, what: str) -> InputError:
    """Refuse a statement."""
    return InputError(
        f"layers states {text.strip()[:80]!r}: {what}; write it as {EXAMPLE!r}, with the names in "
        "the state dict"
    )


def parse_statement(text: str) -> Chain:
    """Read the statement of a network's layers.

    Examples
    --------
    >>> [part.word for part in parse_statement("LSTM > relu > Linear(fc)")]
    ['LSTM', 'relu', 'Linear']
    """
    tokens, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        if match is None or len(text) > LONGEST:
            raise wrong(text, f"{text[place : place + 20].strip()!r} is out of place")
        tokens.append(match[1])
        place = match.end()
    reader = _Reader(text, tokens)
    chain = reader.chain(0)
    if reader.next():
        raise wrong(text, f"{reader.next()!r} is out of place")
    return chain


class _Reader:
    """Tokens and how far they are read."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text = text
        self.tokens = tokens
        self.place = 0
        self.parts = 0

    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.next()
        word = bool(re.match(r"[\w.+\-]", token))
        if not token or (token != wanted if wanted else not word):
            what = repr(wanted) if wanted else "a layer"
            where = f"after {self.tokens[self.place - 1]!r}" if self.place else "at its beginning"
            raise wrong(self.text, f"{what} is missing {where}")
        self.place += 1
        return token

    def chain(self, depth: int) -> Chain:
        parts = [self.part(depth)]
        while self.next() == ">":
            self.take(">")
            parts.append(self.part(depth))
        return tuple(parts)

    def part(self, depth: int) -> Part | Branches:
        self.parts += 1
        if depth > DEEPEST or self.parts > MOST_PARTS:
            raise wrong(self.text, "it has more branches or parts than any network")
        if self.next() == "[":
            self.take("[")
            chains = [self.chain(depth + 1)]
            while self.next() == ",":
                self.take(",")
                chains.append(self.chain(depth + 1))
            self.take("]")
            return Branches(tuple(chains))
        word = self.take()
        given: list[str] = []
        named: list[tuple[str, str]] = []
        if self.next() == "(":
            self.take("(")
            while self.next() != ")":
                one = self.take()
                if self.next() == "=":
                    self.take("=")
                    named.append((one, self.take()))
                else:
                    given.append(one)
                if self.next() != ")":
                    self.take(",")
            self.take(")")
        return Part(word, tuple(given), tuple(named))
