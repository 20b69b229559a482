"""Read a pickle's instructions without following them.

A pickle is a program for a machine with a stack; its instructions can import and call anything.
This machine knows the same instructions, but where a pickle imports, a marker is put on the stack
(`Global`), and where it calls, a note of the call (`Made`): nothing is ever imported or called.
A name that no scaler needs is refused where it stands.

The format: PEP 307, PEP 3154, PEP 574 and the module ``pickletools``, which takes the instructions
apart here. What joblib adds is that the numbers of an array follow, as they lie in memory, the
instruction that sets the state of a ``NumpyArrayWrapper``.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable

from rnnlens.series.scalers.inert import Global, Made, Pairs, Refused, damaged
from rnnlens.series.scalers.names import WRAPPER, admitted

__all__ = ["Machine"]

#: Instructions at most. A scaler of ten thousand named columns has some sixty thousand.
MOST_INSTRUCTIONS = 500_000
#: Pickles within a pickle: joblib writes each array of texts as one of its own.
DEEPEST = 2

#: What reads an array of joblib: its wrapper, the file at the place where its numbers begin, and a
#: reader for an array that is a pickle of its own.
ReadArray = Callable[[Made, io.BytesIO, Callable[[], object]], object]

#: Instructions whose argument is the value.
VALUES = frozenset({
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
})
#: Instructions that are a value.
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
#: Instructions that say something of the file alone.
FRAMING = frozenset({"PROTO", "FRAME"})
PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
#: Instructions that no scaler has, and what they would do.
REACHING_OUT = {
    "PERSID": "fetches an object by an identifier",
    "BINPERSID": "fetches an object by an identifier",
    "EXT1": "calls for an object from a registry of the program",
    "EXT2": "calls for an object from a registry of the program",
    "EXT4": "calls for an object from a registry of the program",
    "NEXT_BUFFER": "takes memory from outside the file",
    "READONLY_BUFFER": "takes memory from outside the file",
    "INST": "makes an object of a class of Python 2",
    "OBJ": "makes an object of a class of Python 2",
}


class Machine:
    """One reading of a pickle, from where the file stands to behind the last instruction."""

    def __init__(self, file: io.BytesIO, read_array: ReadArray, depth: int = 0) -> None:
        self.file = file
        self.read_array = read_array
        self.depth = depth
        self.left = MOST_INSTRUCTIONS
        self.stack: list[object] = []
        self.marks: list[list[object]] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        """Give what the pickle stands for, inert."""
        try:
            for instruction, argument, _ in pickletools.genops(self.file):
                self.left -= 1
                if self.left < 0:
                    raise damaged(f"it has more than {MOST_INSTRUCTIONS} instructions")
                if instruction.name == "STOP":
                    return self._pop()
                self._take(instruction.name, argument)
        except Refused:
            raise
        # what a damaged instruction, or an argument that is not what it takes, runs into
        except (ValueError, LookupError, TypeError, OverflowError, EOFError) as error:
            raise damaged(f"its instructions make no sense ({type(error).__name__})") from None
        raise damaged("it ends too soon")

    def _take(self, name: str, argument: object) -> None:
        if name in VALUES:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in PUTS or name == "MEMOIZE":
            self._keep(len(self.memo) if name == "MEMOIZE" else argument)
        elif name in GETS:
            self.stack.append(self.memo[_place(argument)])
        elif name in REACHING_OUT:
            raise Refused(f"it {REACHING_OUT[name]}, which rnnlens does not do for a file")
        elif name not in FRAMING:
            STEPS[name](self, argument)

    def _keep(self, place: object) -> None:
        self.memo[_place(place)] = self.stack[-1]

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
        self.stack.append(admitted(module, name))

    def _named_on_stack(self, _: object) -> None:
        name, module = self._pop(), self._pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise TypeError
        self.stack.append(admitted(module, name))

    def _call(self, _: object) -> None:
        """Note a call; both forms, of a function and of a class, are the same here."""
        arguments, maker = self._pop(), self._pop()
        if not (isinstance(maker, Global) and isinstance(arguments, tuple)):
            raise TypeError
        self.stack.append(Made(maker, arguments))

    def _call_by_keyword(self, _: object) -> None:
        keywords = self._pop()
        if not isinstance(keywords, Pairs) or keywords.entries:
            raise TypeError
        self._call(None)

    def _set_state(self, _: object) -> None:
        state, made = self._pop(), self.stack[-1]
        if not isinstance(made, Made):
            raise TypeError
        made.state = state
        if made.maker == WRAPPER or WRAPPER in made.arguments:
            self.stack[-1] = self.read_array(made, self.file, self._nested)

    def _nested(self) -> object:
        """Read the pickle that stands here within this one."""
        if self.depth >= DEEPEST:
            raise damaged(f"it holds pickles more than {DEEPEST} deep")
        inner = Machine(self.file, self.read_array, self.depth + 1)
        inner.left = self.left
        try:
            return inner.run()
        finally:
            self.left = inner.left


def _place(given: object) -> int:
    if not isinstance(given, int) or not 0 <= given < MOST_INSTRUCTIONS:
        raise ValueError
    return given


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
