"""Child processes of tests: they hear Ctrl-C, and they end with the test, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["hearing_ctrl_c", "python", "running"]

#: Seconds after which a child counts as hanging and is ended. It may have to compile every kernel.
LIMIT = 300


@contextmanager
def hearing_ctrl_c() -> Generator[None]:
    """Let SIGINT interrupt this process and those it starts, though a shell ignored it for both."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def running(
    *arguments: str, folder: Path | None = None, **environment: str
) -> Generator[subprocess.Popen[str]]:
    """Run Python beside the block, with pipes to read from; what it started ends with the block."""
    # a signal that is ignored here would be ignored by the child too
    with hearing_ctrl_c():
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    watchdog = threading.Timer(LIMIT, _end, [process])
    watchdog.start()
    with process:
        try:
            yield process
        finally:
            watchdog.cancel()
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End a child and its children, where they have not ended."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def python(
    *arguments: str, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, whatever its exit code."""
    with running(*arguments, folder=folder, **environment) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
