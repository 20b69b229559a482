"""Pictures of charts as SVG, drawn in a process of their own where a core is free for it.

The library that draws keeps Python's lock meanwhile, so that a thread would not do.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["Drawn", "Pictures", "drawn_aside", "drawn_here"]

#: Gives a picture; waits for it where it is still being drawn.
Drawn = Callable[[], str]
#: Begins to draw a specification.
Pictures = Callable[[dict[str, Any]], Drawn]
PROGRAM = Path(__file__).with_name("drawing_process.py")


def drawn_here(spec: dict[str, Any]) -> Drawn:
    """Draw a picture in this process, when it is asked for."""
    return lambda: _svg(json.dumps(spec))


def _svg(text: str) -> str:
    import vl_convert

    return vl_convert.vegalite_to_svg(text)


@contextmanager
def drawn_aside(*, wanted: bool = True) -> Generator[Pictures]:
    """Draw pictures in a process of their own, while this one goes on.

    In this process where that is not `wanted` or no other can be begun, and each that the other one
    does not give.

    Examples
    --------
    >>> chart = {"mark": "point", "data": {"values": [{"a": 1}]}}
    >>> with drawn_aside() as pictures:
    ...     picture = pictures(chart)
    ...     picture().startswith("<svg")
    True
    """
    process = _begun() if wanted else None
    if process is None:
        yield drawn_here
        return
    # what is written may be more than a pipe holds: a thread waits in place of whoever asks
    with ThreadPoolExecutor(1, thread_name_prefix="rnnlens-pictures") as queue:

        def begin(spec: dict[str, Any]) -> Drawn:
            text = json.dumps(spec)
            coming = queue.submit(_asked, process, text)
            return lambda: coming.result() or _svg(text)

        try:
            yield begin
        finally:
            queue.shutdown(wait=False, cancel_futures=True)
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        # what was not read any more is not wanted
        with suppress(OSError, ValueError):
            if pipe is not None:
                pipe.close()


def _begun() -> subprocess.Popen[str] | None:
    try:
        return subprocess.Popen(
            # nothing is imported from the folder that somebody happens to stand in
            [sys.executable, "-P", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
    except (OSError, ValueError):
        return None


def _asked(process: subprocess.Popen[str], text: str) -> str:
    """Have a picture drawn; empty where none comes."""
    into, out = process.stdin, process.stdout
    if into is None or out is None:
        return ""
    try:
        into.write(text + "\n")
        into.flush()
        return json.loads(out.readline() or '""')
    except (OSError, ValueError):
        return ""
