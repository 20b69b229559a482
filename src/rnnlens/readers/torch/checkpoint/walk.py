"""The values within what a checkpoint holds, each met once: objects may hold themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rnnlens.pickles.inert import Made, Pairs
from rnnlens.readers.torch.checkpoint.pickled import Storage

__all__ = ["MOST_VALUES", "entries_of", "module_parts", "state_of", "storages_in"]

#: Values of a checkpoint that are looked at, at most.
MOST_VALUES = 500_000


def storages_in(content: object) -> Iterator[Storage]:
    """Find every storage that is named anywhere."""
    waiting, seen = [content], set()
    while waiting and len(seen) < MOST_VALUES:
        value = waiting.pop()
        if id(value) in seen:
            continue
        if isinstance(value, Storage):
            yield value
        elif isinstance(value, Made | Pairs | list | tuple):
            seen.add(id(value))
            waiting += _within(value)


def _within(value: Made | Pairs | list | tuple) -> list[object]:
    if isinstance(value, Pairs):
        return [item for _, item in value.entries]
    if isinstance(value, Made):
        return [*value.arguments, value.state, *value.items, value.pairs]
    return list(value)


def entries_of(value: object) -> dict[str, object] | None:
    """Give the entries of a dict whose keys are texts; None for what is no dict."""
    if isinstance(value, Made):
        return value.pairs.named() if value.pairs.entries else None
    if isinstance(value, Pairs):
        return value.named()
    if isinstance(value, Mapping):
        return {key: item for key, item in value.items() if isinstance(key, str)}
    return None


def state_of(value: object) -> dict[str, object] | None:
    """Give the attributes of an object, by name."""
    if not isinstance(value, Made):
        return None
    state = value.state
    if isinstance(state, tuple) and len(state) == 2 and state[0] is not None:
        state = state[0]  # attributes, and those in slots
    return entries_of(state)


def module_parts(state: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]] | None:
    """Give the arrays and the modules within a pickled module; None for what is none."""
    if not {"_parameters", "_modules"} <= set(state):
        return None
    held = [entries_of(state.get(name)) or {} for name in ("_parameters", "_buffers")]
    return {**held[0], **held[1]}, entries_of(state["_modules"]) or {}
