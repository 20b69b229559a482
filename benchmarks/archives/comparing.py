"""What of a result is the same for the same question, whoever explained it and whatever happened.

Tests of ``tests/bulk`` take it from here too.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["contents"]


def contents(out: Path) -> dict[str, bytes]:
    """Give the bytes of every file but the records of blocks, which hold seconds.

    No draft is left out: where one stays behind, something is there that should not be.
    """
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.relative_to(out).parts[:2] != (".rnnlens", "done")
    }
