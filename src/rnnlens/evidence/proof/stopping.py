"""When a search ends before all is decided: at its seconds' end, or at Ctrl-C."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

__all__ = ["INTERRUPTED", "TIME", "Stop"]

#: Why a search ended before all was decided.
TIME, INTERRUPTED = "time", "interrupted"


class Stop:
    """A time that searches share, and why they ended.

    Parameters
    ----------
    seconds : float, optional
        How long all searches may take together, from now on; without end where not given.

    Examples
    --------
    >>> stop = Stop(0.0)
    >>> stop.due(), stop.why
    (True, 'time')
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.why = ""
        self._begun = perf_counter()

    def due(self) -> bool:
        """Say whether the search is to end now; once it is, it stays so."""
        if not self.why and self.seconds is not None and self.taken >= self.seconds:
            self.why = TIME
        return bool(self.why)

    @property
    def taken(self) -> float:
        """Seconds since the beginning."""
        return perf_counter() - self._begun

    @property
    def facts(self) -> dict[str, float]:
        """What a result says of a time that was stated, and of how much of it was used."""
        if self.seconds is None:
            return {}
        return {"budget_seconds": self.seconds, "seconds_used": round(self.taken, 3)}

    @contextmanager
    def keeping(self) -> Generator[None]:
        """Let Ctrl-C end the search and not the program: what was found until then is kept."""
        try:
            yield
        except KeyboardInterrupt:
            self.why = INTERRUPTED
