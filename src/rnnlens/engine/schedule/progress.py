"""One progress for work of several parts: it never goes back, and is whole at the end alone."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from types import TracebackType

__all__ = ["Parts", "Progress", "equal_parts"]

#: Called with how much is done and how much there is.
Progress = Callable[[int, int], None]

#: What a whole is counted in.
WHOLE = 10_000


class Parts:
    """Progress of the parts of a piece of work, told as progress of the whole.

    Parts may themselves be made of parts. One that is left out counts as done once a later one
    begins. Leaving the block without an error says that all is done.

    Parameters
    ----------
    tell : callable, optional
        Called with how much of the whole is done and how much there is; None where nobody asks.
    weights : mapping of str to float
        How long each part takes beside the others, in the order in which they are done.

    Examples
    --------
    >>> with Parts(lambda done, whole: print(f"{done / whole:.0%}"), read=1, think=3) as parts:
    ...     parts.of("read")(1, 1)
    ...     parts.of("think")(1, 2)
    25%
    62%
    100%
    """

    def __init__(self, tell: Progress | None, **weights: float) -> None:
        self._tell = tell
        self._told = 0
        self._again: Callable[[], None] = lambda: None
        whole = sum(weights.values()) or 1.0
        begun, self._spans = 0.0, {}
        for name, weight in weights.items():
            self._spans[name] = (begun / whole, (begun + weight) / whole)
            begun += weight

    def __enter__(self) -> Parts:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if kind is None and self._tell is not None:
            self._tell(WHOLE, WHOLE)

    def of(self, name: str) -> Progress:
        """Give what a part is to call with how much of it is done and how much it has."""
        low, high = self._spans[name]

        def progress(done: int, total: int) -> None:
            share = done / total if total else 1.0
            self._reach(low + (high - low) * share)

        return progress

    def beside(self, *names: str) -> dict[str, Progress]:
        """Give what parts that are done side by side are to call.

        The whole is told in the thread that asks for this; `again` tells it of the others there.
        """
        spans = [self._spans[name] for name in names]
        begun, here = min(low for low, _ in spans), get_ident()
        reached = dict.fromkeys(names, 0.0)

        def tell() -> None:
            if get_ident() == here:
                self._reach(begun + sum(reached.values()))

        def of(name: str) -> Progress:
            low, high = self._spans[name]

            def progress(done: int, total: int) -> None:
                reached[name] = (high - low) * (done / total if total else 1.0)
                tell()

            return progress

        self._again = tell
        return {name: of(name) for name in names}

    def again(self) -> None:
        """Tell what parts in other threads have reached."""
        self._again()

    def done(self, name: str) -> None:
        """Say that a part that does not tell by itself is done."""
        self._reach(self._spans[name][1])

    def _reach(self, share: float) -> None:
        """Tell how far the whole is; that it is done is told by the end alone."""
        reached = min(int(share * WHOLE), WHOLE - 1)
        if self._tell is not None and reached > self._told:
            self._told = reached
            self._tell(reached, WHOLE)


def equal_parts(tell: Progress | None, count: int) -> list[Progress]:
    """Give what each of some parts that take equally long is to call.

    Examples
    --------
    >>> first, second = equal_parts(lambda done, whole: print(f"{done / whole:.0%}"), 2)
    >>> first(1, 1)
    50%
    >>> second(1, 2)
    75%
    """
    parts = Parts(tell, **{str(number): 1.0 for number in range(count)})
    return [parts.of(str(number)) for number in range(count)]
