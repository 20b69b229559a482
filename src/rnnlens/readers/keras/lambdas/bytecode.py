"""The bytecode of a small function, compared instruction by instruction with what is known.

The instructions of Python 3.6 to 3.13 that a slice, a sum, or arithmetic with numbers is compiled
to are written down here; they are put together to the expression that they came from, and nothing
is ever run. Any other instruction ends it with `ValueError`. Numbers and meanings: the modules
``opcode`` and ``dis`` of each version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rnnlens.readers.keras.lambdas.marshalled import Code

__all__ = [
    "Argument",
    "Attribute",
    "Call",
    "Expression",
    "Item",
    "Name",
    "Operator",
    "expression_of",
]

#: Instructions of Python 3.6 to 3.10.
UP_TO_3_10 = {
    9: "nothing",
    11: "negative",
    19: "**",
    20: "*",
    23: "+",
    24: "-",
    25: "item",
    27: "/",
    83: "return",
    100: "constant",
    102: "tuple",
    103: "list",
    106: "attribute",
    116: "name",
    124: "argument",
    131: "call",
    133: "slice",
    141: "call with names behind",
    160: "attribute",
    161: "call",
    162: "extend",
}

#: Those of 3.11 and 3.12, which differ in how names are counted.
OF_3_11 = {
    0: "nothing",
    2: "nothing",
    9: "nothing",
    11: "negative",
    25: "item",
    26: "part",
    83: "return",
    100: "constant",
    102: "tuple",
    103: "list",
    106: "attribute",
    116: "name",
    122: "operator",
    124: "argument",
    133: "slice",
    151: "nothing",
    160: "attribute",
    162: "extend",
    166: "nothing",
    171: "call",
    172: "names",
}

OF_3_13 = {
    0: "nothing",
    4: "part",
    5: "item",
    30: "nothing",
    34: "nothing",
    36: "return",
    42: "negative",
    45: "operator",
    47: "list",
    50: "slice",
    52: "tuple",
    53: "call",
    57: "call with names behind",
    81: "extend",
    82: "attribute",
    83: "constant",
    85: "argument",
    91: "name",
    149: "nothing",
}

#: The first instruction by which 3.13 is told, and the one that 3.11 alone has before a call.
FIRST_OF_3_13, BEFORE_A_CALL = 149, 166

OPERATORS = {0: "+", 5: "*", 8: "**", 10: "-", 11: "/"}


@dataclass(frozen=True)
class Argument:
    """The function's argument."""


@dataclass(frozen=True)
class Name:
    """A name that the function takes from where it was written."""

    text: str


@dataclass(frozen=True)
class Attribute:
    """``of.text``."""

    of: Expression
    text: str


@dataclass(frozen=True)
class Item:
    """``of[key]``."""

    of: Expression
    key: Expression


@dataclass(frozen=True)
class Operator:
    """``left + right`` and the like."""

    kind: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Call:
    """``function(...)``."""

    function: Expression
    arguments: tuple[Expression, ...]
    keywords: Mapping[str, Expression]


#: The objects above, and numbers, texts, slices, tuples and lists of expressions.
Expression = Any


def _instructions(code: Code) -> Iterator[tuple[str, int]]:
    """Give the instructions by what they do, with their argument: the place of a name, say."""
    raw = code.instructions
    if len(raw) % 2 or not raw:
        raise ValueError("length")
    pairs = [(raw[k], raw[k + 1]) for k in range(0, len(raw), 2)]
    known, shifts = UP_TO_3_10, {}
    if code.newer and pairs[0][0] == FIRST_OF_3_13:
        known, shifts = OF_3_13, {"name": 1, "attribute": 1}
    elif code.newer:
        of_3_11 = any(number == BEFORE_A_CALL for number, _ in pairs)
        known, shifts = OF_3_11, {"name": 1} if of_3_11 else {"name": 1, "attribute": 1}
    for number, argument in pairs:
        does = known.get(number)
        if does is None:
            raise ValueError(f"instruction {number}")
        if does != "nothing":
            yield does, argument >> shifts.get(does, 0)


def expression_of(code: Code) -> Expression:
    """Put the instructions of a function of one argument together to its expression."""
    if code.arguments != 1:
        raise ValueError("arguments")
    machine = _Stack(code)
    try:
        instructions = list(_instructions(code))
        for does, argument in instructions[:-1]:
            machine.take(does, argument)
        if instructions[-1][0] != "return" or len(machine.stack) != 1:
            raise ValueError("end")
    except (IndexError, TypeError) as error:
        raise ValueError("damaged") from error
    return machine.stack[0]


class _Stack:
    """The expressions that the instructions so far have left."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.stack: list[Expression] = []
        self.names: tuple[str, ...] = ()

    def take(self, does: str, argument: int) -> None:
        """Follow one instruction, on expressions alone."""
        if does == "argument" and argument == 0:
            self.stack.append(Argument())
        elif does == "constant":
            self.stack.append(self.code.constants[argument])
        elif does == "name":
            self.stack.append(Name(self.code.names[argument]))
        elif does == "names":
            self.names = self.code.constants[argument]
        elif does == "attribute":
            self.stack.append(Attribute(self.stack.pop(), self.code.names[argument]))
        elif does in {"tuple", "list", "slice"}:
            parts = self.last(argument)
            made = {"tuple": tuple, "list": list, "slice": lambda these: slice(*these)}[does]
            self.stack.append(made(parts))
        elif does == "extend" and argument == 1:
            more = self.stack.pop()
            self.stack[-1] = [*self.stack[-1], *more]
        else:
            self.operate(does, argument)

    def operate(self, does: str, argument: int) -> None:
        """Follow an instruction that takes values and gives one."""
        if does == "item":
            of, key = self.last(2)
            self.stack.append(Item(of, key))
        elif does == "part":
            of, start, stop = self.last(3)
            self.stack.append(Item(of, slice(start, stop)))
        elif does == "negative":
            self.stack.append(Operator("*", self.stack.pop(), -1.0))
        elif does in OPERATORS.values() or (does == "operator" and argument in OPERATORS):
            left, right = self.last(2)
            sign = OPERATORS[argument] if does == "operator" else does
            self.stack.append(Operator(sign, left, right))
        elif does.startswith("call"):
            names = self.stack.pop() if does.endswith("behind") else self.names
            self.names = ()
            given = self.last(argument)
            plain = len(given) - len(names)
            keywords = dict(zip(names, given[plain:], strict=True))
            self.stack.append(Call(self.stack.pop(), tuple(given[:plain]), keywords))
        else:
            raise ValueError(does)

    def last(self, count: int) -> list[Expression]:
        """Take the last few expressions off the stack."""
        if count > len(self.stack):
            raise IndexError(count)
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken
