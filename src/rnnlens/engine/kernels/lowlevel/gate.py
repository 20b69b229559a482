"""Whether the internals of Numba and llvmlite may be used, decided once at import.

The fast kernels are written with code that is generated for LLVM and with options that Numba does
not document. They are known to work with the versions below, on 64-bit machines; with any other the
same kernels are compiled from plain Numba, several times slower and the same to rounding.
"""

from __future__ import annotations

import os
import platform
import sys

import llvmlite
import numba

__all__ = ["INTERNALS", "PLAIN", "REASON", "reason_for_plain"]

#: The environment variable that asks for the plain kernels.
PLAIN = "RNNLENS_PLAIN_KERNELS"
#: The first version that is known to work, and the first that is not.
NUMBA = (0, 60), (0, 69)
LLVMLITE = (0, 43), (0, 51)
#: Machines whose LLVM takes the generated code, all of 64 bits.
MACHINES = ("x86_64", "amd64", "aarch64", "arm64")


def _numbers(version: str) -> tuple[int, int]:
    """Give the first two numbers of a version, zero for what is none."""
    parts = [*version.split("."), "", ""]
    return tuple(int(part) if part.isdigit() else 0 for part in parts[:2])  # type: ignore[return-value]


def reason_for_plain(
    numba_version: str, llvmlite_version: str, machine: str, *, wide: bool = True
) -> str | None:
    """Say why the internals may not be used, or give None where they may.

    Examples
    --------
    >>> reason_for_plain("0.68.1", "0.50.0", "x86_64")
    >>> reason_for_plain("0.99.0", "0.50.0", "x86_64")
    'the fast kernels are known to work with Numba from 0.60 to below 0.69, and this is 0.99.0'
    """
    for name, version, (first, end) in (
        ("Numba", numba_version, NUMBA),
        ("llvmlite", llvmlite_version, LLVMLITE),
    ):
        if not first <= _numbers(version) < end:
            return (
                f"the fast kernels are known to work with {name} from {first[0]}.{first[1]} to "
                f"below {end[0]}.{end[1]}, and this is {version}"
            )
    if machine.lower() not in MACHINES or not wide:
        return (
            f"the fast kernels are known to work on {', '.join(MACHINES)} with 64 bits, and this "
            f"machine is {machine or 'unknown'} with {64 if wide else 32}"
        )
    return None


#: Why the kernels are plain although nobody asked for it; None where they are not.
REASON = reason_for_plain(
    numba.__version__, llvmlite.__version__, platform.machine(), wide=sys.maxsize > 1 << 32
)
#: Whether the internals are used.
INTERNALS = REASON is None and os.environ.get(PLAIN, "").strip() in {"", "0"}
