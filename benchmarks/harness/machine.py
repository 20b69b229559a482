"""What was measured on: processor, threads and versions."""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.threads import THREADS

__all__ = ["busy", "machine", "pace", "versions"]

_PEERS = ("torch", "onnxruntime", "captum", "shap", "jax")
_LIBRARIES = (
    "rnnlens",
    "numpy",
    "numba",
    "pandas",
    "torch",
    "onnxruntime",
    "captum",
    "shap",
    "jax",
)


def versions() -> dict[str, str]:
    """Give the versions of rnnlens and of the libraries that this process has loaded.

    Returns
    -------
    dict of str to str
        By name, with Python's own.
    """
    loaded = [name for name in _LIBRARIES if name == "rnnlens" or name in sys.modules]
    return {"python": platform.python_version(), **{name: version(name) for name in loaded}}


def machine() -> dict[str, Any]:
    """Say what the process runs on.

    Returns
    -------
    dict
        Processor, cores, the vector instructions it has, threads, and the pools of threads that
        the loaded libraries made.
    """
    from threadpoolctl import threadpool_info

    pools = {
        f"{pool['internal_api']} {pool['version'] or ''}".strip(): pool["num_threads"]
        for pool in threadpool_info()
    }
    return {
        "cpu": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "vectors": [name for name in ("avx2", "avx512f") if name in _cpuinfo("flags").split()],
        "system": f"{platform.system()} {platform.machine()}",
        "threads": THREADS,
        "pools": pools,
    }


def busy(seconds: float = 1.0) -> float | None:
    """Measure how busy others keep the machine, while this process sleeps.

    Parameters
    ----------
    seconds : float
        For how long.

    Returns
    -------
    float or None
        Share of all cores' time; ``None`` where the system does not say.
    """
    path = Path("/proc/stat")
    if not path.exists():
        return None
    counts = []
    for pause in (seconds, 0.0):
        spent = [int(each) for each in path.read_text(encoding="utf-8").split("\n")[0].split()[1:9]]
        counts.append((sum(spent), spent[3] + spent[4]))  # all of it, and idle or waiting for disks
        time.sleep(pause)
    (every, idle), (every_after, idle_after) = counts
    return 1 - (idle_after - idle) / max(1, every_after - every)


def pace() -> float:
    """Measure how fast the machine is just now, which a shared host does not keep the same.

    Returns
    -------
    float
        Processor time of ten million additions in plain Python, in seconds.
    """
    begun, total = time.process_time(), 0
    for k in range(2_000_000):
        total += k
    return 5 * (time.process_time() - begun)


def _cpuinfo(key: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in pairs if name.strip() == key), "")
