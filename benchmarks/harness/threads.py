"""Hold every library in the process to the same number of threads.

Scripts import this before anything else, since libraries make their threads when they are loaded:
``RNNLENS_THREADS``, or two where that is not set. The process is also confined to as many cores
(where the system can do that), which is what holds JAX.
"""

from __future__ import annotations

import os

__all__ = ["THREADS"]

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


#: Threads that each contender may use.
THREADS = int(os.environ.get("RNNLENS_THREADS") or min(2, len(_cores())))

os.environ.update(dict.fromkeys((*_VARIABLES, "RNNLENS_THREADS"), str(THREADS)))
os.environ["JAX_PLATFORMS"] = "cpu"
# processes that are started find their modules compiled, as a user's do
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, _cores()[:THREADS])
