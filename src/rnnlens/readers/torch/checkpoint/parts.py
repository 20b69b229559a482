"""The state dicts in what a checkpoint holds: in dicts, lists, pickled modules, and objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rnnlens.pickles.inert import Made
from rnnlens.readers.torch.checkpoint.walk import MOST_VALUES, entries_of, module_parts, state_of
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.torch.weights.names import is_recurrent
from rnnlens.readers.torch.weights.packed import ROUNDED, beside, of_whole_numbers, unpacked

__all__ = ["Part", "parts_of"]

#: How deep a checkpoint may nest a state dict, and modules may nest one another.
DEPTH, MODULES = 6, 40

#: Gives a value as an array that is loaded later, by its name and its place; None for no tensor.
ArrayOf = Callable[[str, object, str], LazyArray | None]


@dataclass(frozen=True, eq=False)
class Part:
    """One state dict of a checkpoint."""

    #: Where it was found, by keys and attributes; empty for the whole.
    where: str
    #: Its arrays by name.
    arrays: dict[str, LazyArray]
    #: The class of the module that it was pickled as, empty for a dict.
    pickled: str = ""
    #: What else is to be known of it, a clause each.
    left_out: tuple[str, ...] = ()
    #: Whether it is of layers that round to whole numbers of 8 bits.
    rounded: bool = False


@dataclass
class _Search:
    """One search of a checkpoint."""

    array_of: ArrayOf
    scripted: bool
    seen: set[int] = field(default_factory=set)

    def parts(self, value: object, where: str, depth: int = 0) -> Iterator[Part]:
        """Find state dicts with recurrent layers, each once."""
        if depth > DEPTH or id(value) in self.seen or len(self.seen) > MOST_VALUES:
            return
        if not isinstance(value, str | int | float | bytes | None):
            self.seen.add(id(value))
        found = self._part(value, where)
        if found is not None:
            yield found
            return
        for key, item in self._items(value):
            yield from self.parts(item, f"{where}.{key}" if where else key, depth + 1)

    def _items(self, value: object) -> list[tuple[str, object]]:
        if isinstance(value, list | tuple):
            return [(str(number), item) for number, item in enumerate(value)]
        return list({**(state_of(value) or {}), **(entries_of(value) or {})}.items())

    def _part(self, value: object, where: str) -> Part | None:
        entries = entries_of(value)
        if entries is not None and any(is_recurrent(key) for key in entries):
            return self._of_entries(entries, where)
        state = state_of(value)
        is_module = state is not None and (self.scripted or module_parts(state) is not None)
        if not is_module or state is None or not isinstance(value, Made):
            return None
        entries = dict(self._of_module(state, "", set(), 0))
        if not any(is_recurrent(key) for key in entries):
            return None
        return self._of_entries(entries, where, value.maker.path)

    def _of_entries(self, entries: dict[str, object], where: str, pickled: str = "") -> Part | None:
        prefix = f"{where}." if where else ""
        arrays: dict[str, LazyArray] = {}
        rounded = False
        passed = beside(entries)
        for key, value in entries.items():
            if key in passed:
                continue
            packed = unpacked(key, value)
            rounded = rounded or (packed is not None and of_whole_numbers(packed))
            for name, item in {key: value}.items() if packed is None else packed.items():
                array = self.array_of(name, item, prefix + key)
                if array is not None:
                    arrays[name] = array
        if not any(is_recurrent(key) for key in arrays):
            return None
        return Part(where, arrays, pickled, (ROUNDED,) if rounded else (), rounded)

    def _of_module(
        self, state: dict[str, object], prefix: str, above: set[int], depth: int
    ) -> Iterator[tuple[str, object]]:
        """Give a pickled module's arrays, by the names that its state dict would give them."""
        held = module_parts(state)
        if held is None:  # TorchScript keeps arrays and modules as plain attributes
            held = state, {k: v for k, v in state.items() if state_of(v) is not None}
        arrays, modules = held
        yield from ((prefix + key, value) for key, value in arrays.items())
        for key, module in modules.items():
            inner = state_of(module)
            if inner is not None and id(module) not in above and depth < MODULES:
                within = above | {id(module)}
                yield from self._of_module(inner, f"{prefix}{key}.", within, depth + 1)


def parts_of(content: object, array_of: ArrayOf, *, scripted: bool = False) -> list[Part]:
    """Find the state dicts with recurrent layers in what a checkpoint holds."""
    return list(_Search(array_of, scripted).parts(content, ""))
