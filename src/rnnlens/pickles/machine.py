"""Read a pickle's instructions without following them.

A pickle is a program for a machine with a stack; its instructions can import and call anything.
This machine knows the same instructions, but where a pickle imports, a marker is put on the stack
(`Global`), and where it calls, a note of the call (`Made`): nothing is ever imported or called.
What a reader admits, and what it makes of objects kept elsewhere, it says in its `Rules`.

The format: PEP 307, PEP 3154, PEP 574 and the module ``pickletools``, which takes the instructions
apart here.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from rnnlens.errors import RnnlensError
from rnnlens.pickles.inert import Global, Made, Pairs

__all__ = ["Machine", "Rules"]

#: Pickles within a pickle: joblib writes each array of texts as one of its own.
DEEPEST = 2


@dataclass(frozen=True)
class Rules:
    """What a reader of pickles admits, and how it refuses."""

    #: Gives the marker of a name, or refuses it.
    named: Callable[[str, str], Global]
    #: Makes the refusal of what a pickle would do.
    refused: Callable[[str], RnnlensError]
    #: Makes the refusal of what no library writes.
    damaged: Callable[[str], RnnlensError]
    #: Instructions at most.
    most: int
    #: Gives what stands for an object that is kept elsewhere, by its identifier.
    persistent: Callable[[object], object] | None = None
    #: Gives what an object becomes once its state is set: its wrapper, the file behind the
    #: instruction, and a reader for a pickle that stands there.
    built: Callable[[Made, IO[bytes], Callable[[], object]], object] | None = None
    #: Whether objects of any kind may stand in it, of which nothing is asked: a call of what is no
    #: name, and a state of what is no object, leave something that does nothing.
    any_object: bool = False


#: Instructions whose argument is the value.
VALUES = frozenset({
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
})
#: Instructions that are a value.
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
#: Who is called where that is no name.
NAMELESS = Global("", "")
#: Instructions that say something of the file alone.
FRAMING = frozenset({"PROTO", "FRAME"})
PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
#: Instructions that neither scalers nor weights have, and what they would do.
REACHING_OUT = {
    "PERSID": "fetches an object by an identifier",
    "EXT1": "calls for an object from a registry of the program",
    "EXT2": "calls for an object from a registry of the program",
    "EXT4": "calls for an object from a registry of the program",
    "NEXT_BUFFER": "takes memory from outside the file",
    "READONLY_BUFFER": "takes memory from outside the file",
    "INST": "makes an object of a class of Python 2",
    "OBJ": "makes an object of a class of Python 2",
}
NOT_DONE = ", which rnnlens does not do for a file"


class Machine:
    """One reading of a pickle, from where the file stands to behind the last instruction."""

    def __init__(self, file: IO[bytes], rules: Rules, depth: int = 0) -> None:
        self.file = file
        self.rules = rules
        self.depth = depth
        self.left = rules.most
        self.stack: list[object] = []
        self.marks: list[list[object]] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        """Give what the pickle stands for, inert."""
        try:
            for instruction, argument, _ in pickletools.genops(self.file):
                self.left -= 1
                if self.left < 0:
                    raise self.rules.damaged(f"it has more than {self.rules.most} instructions")
                if instruction.name == "STOP":
                    return self._pop()
                self._take(instruction.name, argument)
        except RnnlensError:
            raise
        # what a damaged instruction, or an argument that is not what it takes, runs into
        except (ValueError, LookupError, TypeError, OverflowError, EOFError) as error:
            what = f"its instructions make no sense ({type(error).__name__})"
            raise self.rules.damaged(what) from None
        raise self.rules.damaged("it ends too soon")

    def _take(self, name: str, argument: object) -> None:
        if name in VALUES:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in PUTS or name == "MEMOIZE":
            self._keep(len(self.memo) if name == "MEMOIZE" else argument)
        elif name in GETS:
            self.stack.append(self.memo[self._place(argument)])
        elif name in REACHING_OUT:
            raise self.rules.refused(f"it {REACHING_OUT[name]}{NOT_DONE}")
        elif name == "BINPERSID":
            self._fetch()
        elif name not in FRAMING:
            STEPS[name](self, argument)

    def _fetch(self) -> None:
        """Put what stands for an object that is kept elsewhere in the place of its identifier."""
        if self.rules.persistent is None:
            raise self.rules.refused(f"it fetches an object by an identifier{NOT_DONE}")
        self.stack.append(self.rules.persistent(self._pop()))

    def _keep(self, place: object) -> None:
        self.memo[self._place(place)] = self.stack[-1]

    def _place(self, given: object) -> int:
        if not isinstance(given, int) or not 0 <= given < self.rules.most:
            raise ValueError
        return given

    def _pop(self) -> object:
        return self.stack.pop()

    def _mark(self, _: object) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _since_mark(self) -> list[object]:
        since, self.stack = self.stack, self.marks.pop()
        return since

    def _drop(self, _: object) -> None:
        if self.stack:
            self._pop()
        else:
            self._since_mark()

    def _drop_to_mark(self, _: object) -> None:
        self._since_mark()

    def _list(self, _: object) -> None:
        items = self._since_mark()
        self.stack.append(items)

    def _tuple(self, _: object) -> None:
        items = self._since_mark()
        self.stack.append(tuple(items))

    def _dict(self, _: object) -> None:
        entries = self._since_mark()
        self.stack.append(Pairs(_paired(entries)))

    def _extend(self, items: list[object]) -> None:
        """Put items into the list or set that is then on top."""
        top = self.stack[-1]
        if isinstance(top, Made):
            top = top.items
        if not isinstance(top, list):
            raise TypeError
        top.extend(items)

    def _update(self, entries: list[tuple[object, object]]) -> None:
        """Put entries into the dict on top."""
        top = self.stack[-1]
        pairs = top.pairs if isinstance(top, Made) else top
        if not isinstance(pairs, Pairs):
            raise TypeError
        pairs.entries.extend(entries)

    def _set_item(self, _: object) -> None:
        value, key = self._pop(), self._pop()
        self._update([(key, value)])

    def _named(self, argument: object) -> None:
        module, _, name = str(argument).partition(" ")
        self.stack.append(self.rules.named(module, name))

    def _named_on_stack(self, _: object) -> None:
        name, module = self._pop(), self._pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise TypeError
        self.stack.append(self.rules.named(module, name))

    def _call(self, _: object) -> None:
        """Note a call; both forms, of a function and of a class, are the same here."""
        arguments, maker = self._pop(), self._pop()
        if not isinstance(arguments, tuple):
            raise TypeError
        if not isinstance(maker, Global):
            if not self.rules.any_object:
                raise TypeError
            maker = NAMELESS
        self.stack.append(Made(maker, arguments))

    def _call_by_keyword(self, _: object) -> None:
        keywords = self._pop()
        if not isinstance(keywords, Pairs) or (keywords.entries and not self.rules.any_object):
            raise TypeError
        self._call(None)

    def _set_state(self, _: object) -> None:
        state, made = self._pop(), self.stack[-1]
        if isinstance(made, Made):
            made.state = state
            if self.rules.built is not None:
                self.stack[-1] = self.rules.built(made, self.file, self._nested)
        elif not self.rules.any_object:
            raise TypeError

    def _nested(self) -> object:
        """Read the pickle that stands here within this one."""
        if self.depth >= DEEPEST:
            raise self.rules.damaged(f"it holds pickles more than {DEEPEST} deep")
        inner = Machine(self.file, self.rules, self.depth + 1)
        inner.left = self.left
        try:
            return inner.run()
        finally:
            self.left = inner.left


def _paired(items: list[object]) -> list[tuple[object, object]]:
    return list(zip(items[::2], items[1::2], strict=True))


def _last(count: int) -> Callable[[Machine, object], None]:
    """Make a tuple of the last so many values."""

    def step(machine: Machine, _: object) -> None:
        if len(machine.stack) < count:
            raise IndexError
        machine.stack[-count:] = [tuple(machine.stack[-count:])]

    return step


STEPS: dict[str, Callable[[Machine, object], None]] = {
    "MARK": Machine._mark,
    "POP": Machine._drop,
    "POP_MARK": Machine._drop_to_mark,
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_SET": lambda machine, _: machine.stack.append([]),
    "LIST": Machine._list,
    "FROZENSET": Machine._list,
    "APPEND": lambda machine, _: machine._extend([machine._pop()]),
    "APPENDS": lambda machine, _: machine._extend(machine._since_mark()),
    "ADDITEMS": lambda machine, _: machine._extend(machine._since_mark()),
    "TUPLE": Machine._tuple,
    "TUPLE1": _last(1),
    "TUPLE2": _last(2),
    "TUPLE3": _last(3),
    "EMPTY_DICT": lambda machine, _: machine.stack.append(Pairs()),
    "DICT": Machine._dict,
    "SETITEM": Machine._set_item,
    "SETITEMS": lambda machine, _: machine._update(_paired(machine._since_mark())),
    "GLOBAL": Machine._named,
    "STACK_GLOBAL": Machine._named_on_stack,
    "REDUCE": Machine._call,
    "NEWOBJ": Machine._call,
    "NEWOBJ_EX": Machine._call_by_keyword,
    "BUILD": Machine._set_state,
}
