"""Threads: how many there are, and how they share work.

Kernels leave Python's lock alone, so threads of one process do. There is one pool; work that is
shared from within a piece of shared work is done where it stands, and BLAS is held to one thread
meanwhile: its own threads would wait for more work by spinning, on cores that ours need. Two pieces
of work that need nothing of each other share the pool side by side (`aside`): what one of them does
between kernels leaves no core idle.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from threading import Event, Lock, Thread, local
from typing import Generic, Protocol, TypeVar, TypeVarTuple, cast

from rnnlens.errors import InputError

__all__ = ["Aside", "aside", "each", "one_blas_thread", "one_thread", "quota", "share", "threads"]

#: Ranges of samples for each thread: a thread that was held up leaves its last ones to the others.
RANGES_PER_THREAD = 4
#: Seconds between two looks at work that is done aside.
PATIENCE = 0.2


_ALONE = ContextVar("one_thread", default=False)


@contextmanager
def one_thread() -> Generator[None]:
    """Have the engine use one thread for what is done meanwhile.

    What is done is then cut into the same chunks on every machine, and so gives the same bits.
    """
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


def threads() -> int:
    """Say how many threads the engine uses."""
    if _ALONE.get():
        return 1
    stated = os.environ.get("RNNLENS_THREADS", "").strip()
    if stated:
        if stated.isascii() and stated.isdigit() and int(stated) > 0:
            return int(stated)
        raise InputError(
            f"the environment variable RNNLENS_THREADS must be a whole number from 1 up, but is "
            f"{stated!r}"
        )
    if hasattr(os, "sched_getaffinity"):
        available = len(os.sched_getaffinity(0))
    else:  # macOS and Windows
        available = os.cpu_count() or 1
    allowed = quota()
    return available if allowed is None else max(1, min(available, math.ceil(allowed)))


@cache
def quota(root: Path = Path("/")) -> float | None:
    """Say how many processors' time the control group of this process is allowed.

    Examples
    --------
    >>> quota(Path("nowhere")) is None
    True
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    mounted = root / "sys/fs/cgroup"
    allowed: list[float] = []
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if not controllers:  # version 2: one tree for all controllers
            allowed += _stated(mounted, place, _unified)
        elif "cpu" in controllers.split(","):
            for folder in (controllers, "cpu"):
                allowed += _stated(mounted / folder, place, _separate)
    return min(allowed, default=None)


def _stated(mounted: Path, place: str, read: Callable[[Path], tuple[str, str]]) -> Iterator[float]:
    """Give what a group and all that hold it are allowed."""
    # within a container the place may be the host's name for what stands at the root there
    parts = [part for part in place.split("/") if part not in {"", ".."}]
    for depth in range(len(parts), -1, -1):
        try:
            allowed, period = read(mounted.joinpath(*parts[:depth]))
            if int(allowed) > 0 and int(period) > 0:
                yield int(allowed) / int(period)
        except (OSError, ValueError):
            continue


def _unified(folder: Path) -> tuple[str, str]:
    allowed, period = (folder / "cpu.max").read_text(encoding="ascii").split()
    return allowed, period  # "max" in place of a number: no limit


def _separate(folder: Path) -> tuple[str, str]:
    names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    allowed, period = ((folder / name).read_text(encoding="ascii") for name in names)
    return allowed, period  # -1: no limit


Arguments = TypeVarTuple("Arguments")


class BlasLibrary(Protocol):
    """What threadpoolctl knows of a BLAS library."""

    internal_api: str
    filepath: str

    def get_num_threads(self) -> int:
        """Say how many threads it uses."""
        ...

    def set_num_threads(self, num_threads: int) -> None:
        """Have it use so many threads."""
        ...


#: A BLAS library, and how many threads it had.
Setting = tuple[BlasLibrary, int]


class _Blas:
    """The BLAS libraries of this process, and whether they are held to one thread."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.holders = 0
        #: How many threads each library had, by its file.
        self.before: dict[str, Setting] = {}

    @staticmethod
    @cache
    def libraries(scipy: bool) -> tuple[list[BlasLibrary], list[BlasLibrary]]:
        """Give the libraries whose setting is the process's, and those where it is a thread's.

        SciPy brings a library of its own, which is there once its linear algebra is loaded.
        """
        from threadpoolctl import ThreadpoolController

        known = ThreadpoolController().select(user_api="blas").lib_controllers
        apart = [
            library
            for library in known
            if library.internal_api == "mkl" or getattr(library, "threading_layer", "") == "openmp"
        ]
        return [library for library in known if library not in apart], apart

    def hold(self, scipy: bool) -> list[Setting]:
        """Hold them, and give what this thread's setting was where it has one of its own."""
        with self.lock:
            self.holders += 1
        return self.hold_more(scipy)

    def hold_more(self, scipy: bool) -> list[Setting]:
        """Hold those that came since, as one that holds them already."""
        together, apart = self.libraries(scipy)
        with self.lock:
            new = [library for library in together if library.filepath not in self.before]
            self.before |= {one.filepath: (one, one.get_num_threads()) for one in new}
            _held(new)
        return _held(apart)

    def let_go(self, own: list[Setting]) -> None:
        """Restore what was set, for all threads when the last holder is done."""
        _restore(own)
        with self.lock:
            self.holders -= 1
            if not self.holders:
                _restore([one for one in self.before.values() if one[1] != 1])
                self.before = {}


def _held(libraries: list[BlasLibrary]) -> list[Setting]:
    counted = [(library, library.get_num_threads()) for library in libraries]
    before = [(library, count) for library, count in counted if count != 1]
    _restore([(library, 1) for library, _ in before])
    return before


def _restore(settings: list[Setting]) -> None:
    for library, count in settings:
        # From version 3.7 on, threadpoolctl lets the one thread set it that did so first; holders
        # may end in another order than they began in.
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)
        library.set_num_threads(count)
        if clear is not None:
            clear(force=True)


_BLAS = _Blas()

#: What is known of each thread: whether it holds BLAS (that of SciPy too, or not; None where it
#: holds none) and what it had set itself; what says that its work is not wanted any more, and
#: whether that is a piece of shared work.
_HERE = local()


@contextmanager
def one_blas_thread() -> Generator[None]:
    """Hold BLAS to one thread, and restore what was set when the last holder is done."""
    scipy = "scipy.linalg" in sys.modules
    held: bool | None = getattr(_HERE, "holds", None)
    if held is not None:
        if scipy and not held:
            _HERE.own += _BLAS.hold_more(scipy)
            _HERE.holds = True
        yield
        return
    _HERE.own, _HERE.holds = _BLAS.hold(scipy), scipy
    try:
        yield
    finally:
        own, _HERE.own, _HERE.holds = _HERE.own, [], None
        _BLAS.let_go(own)


@lru_cache(maxsize=1)
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="rnnlens")


def _begin_anew() -> None:
    """Forget the threads, which do not outlive a fork, and what they may have held."""
    _pool.cache_clear()
    _BLAS.lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _within() -> bool:
    """Say whether this is a piece of shared work; end work that is not wanted any more."""
    stop: Event | None = getattr(_HERE, "stop", None)
    if stop is not None and stop.is_set():
        raise CancelledError
    return getattr(_HERE, "shared", False)


def _piece(stop: Event, work: Callable[[*Arguments], None], arguments: tuple[*Arguments]) -> None:
    _HERE.stop, _HERE.shared = stop, True
    try:
        if not stop.is_set():
            with one_blas_thread():
                work(*arguments)
    finally:
        _HERE.stop, _HERE.shared = None, False


def each(
    work: Callable[[*Arguments], None],
    pieces: Sequence[tuple[*Arguments]],
    done: Callable[[tuple[*Arguments]], None] | None = None,
) -> None:
    """Do pieces of work, shared among the threads.

    An error, or Ctrl-C, ends it at once: pieces that wait are dropped, and those that run end
    where they would share work themselves.
    """
    count = 1 if _within() or len(pieces) <= 1 else threads()
    if count == 1:
        for piece in pieces:
            work(*piece)
            if done is not None:
                done(piece)
            _within()
        return
    stop = Event()
    jobs: dict[Future[None], tuple[*Arguments]] = {}
    try:
        with one_blas_thread():
            for piece in pieces:
                # what the caller set for its thread (`context.equations`, say) holds in ours too
                run = copy_context().run
                jobs[_pool(count).submit(run, _piece, stop, work, piece)] = piece
            for job in as_completed(jobs):
                job.result()
                if done is not None:
                    done(jobs[job])
                _within()
    finally:
        stop.set()
        for job in jobs:
            job.cancel()


def share(work: Callable[[int, int], None], samples: int, block: int) -> None:
    """Do work on ranges of samples, shared among the threads."""
    blocks, within = -(-samples // block), _within()
    count = 1 if blocks <= 1 or within else threads()
    if count == 1:
        work(0, samples)
        _within()
        return
    pieces = min(blocks, count * RANGES_PER_THREAD)
    edges = [blocks * k // pieces * block for k in range(pieces)] + [samples]
    each(work, list(pairwise(edges)))


Result = TypeVar("Result")


class Aside(Generic[Result]):
    """Work that is done beside other work: both share what they do among the same threads.

    It begins in a thread of its own; where it is not to begin `at_once`, where the engine uses one
    thread, or where this is a piece of shared work itself, it is done when its result is asked for.
    """

    def __init__(self, work: Callable[[], Result], *, at_once: bool = True) -> None:
        self._work = work
        self._stop = Event()
        self._made: Result | None = None
        self._error: BaseException | None = None
        self._thread: Thread | None = None
        if at_once and not _within() and threads() > 1:
            run = copy_context().run
            self._thread = Thread(target=run, args=(self._run,), name="rnnlens-aside")
            self._thread.start()

    def _run(self) -> None:
        _HERE.stop = self._stop
        try:
            self._made = self._work()
        except BaseException as error:  # it is raised where the result is asked for
            self._error = error
        finally:
            _HERE.stop = None

    def result(self, waiting: Callable[[], None] = lambda: None) -> Result:
        """Wait for what it gives, calling `waiting` now and then; its error is raised here."""
        if self._thread is None:
            return self._work()
        while self._thread.is_alive():
            self._thread.join(PATIENCE)
            waiting()
        if self._error is not None:
            raise self._error
        return cast("Result", self._made)

    def drop(self) -> None:
        """End it where it would share work, and wait for that: its result is not wanted."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()


@contextmanager
def aside(work: Callable[[], Result], *, at_once: bool = True) -> Generator[Aside[Result]]:
    """Do work beside what is done meanwhile, and drop it if its result has not come until then.

    Examples
    --------
    >>> with aside(lambda: 6 * 7) as other:
    ...     other.result()
    42
    """
    done = Aside(work, at_once=at_once)
    try:
        yield done
    finally:
        done.drop()
