"""Ctrl-C ends a verb, also where it meets code whose errors Python drops."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from queue import SimpleQueue

__all__ = ["ctrl_c_heard"]

#: Seconds after which Ctrl-C is sent again: by then what dropped it is over.
AGAIN = 0.02


@contextmanager
def ctrl_c_heard() -> Generator[None]:
    """Send Ctrl-C again where a finaliser or a weak reference's callback met it first."""
    before = sys.unraisablehook
    # whether one was dropped; of all ways to tell a thread this one takes no lock that may be held
    dropped: SimpleQueue[bool] = SimpleQueue()

    def told(error: sys.UnraisableHookArgs) -> None:
        if issubclass(error.exc_type, KeyboardInterrupt):
            dropped.put(True)
        else:
            before(error)

    threading.Thread(target=_send_again, args=(dropped, threading.get_ident()), daemon=True).start()
    sys.unraisablehook = told
    try:
        yield
    finally:
        sys.unraisablehook = before
        dropped.put(False)


def _send_again(dropped: SimpleQueue[bool], thread: int) -> None:
    while dropped.get():
        time.sleep(AGAIN)
        if hasattr(signal, "pthread_kill"):  # even while that thread waits
            signal.pthread_kill(thread, signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)
