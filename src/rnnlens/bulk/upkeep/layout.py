"""What is laid out around the blocks of a result: kept once more, so that it can be mended.

That is all but the chunks that blocks write: metadata, coordinates, the summary once there is one,
and of the question the network and what stands in. One file holds their bytes and a checksum of
them all, and appears whole.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.bulk.job import FOLDER, QUESTION
from rnnlens.bulk.upkeep.files import is_draft, put

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LAYOUT", "axes_kept", "changed", "laid_out_again", "lists", "note_layout"]

#: The file that keeps it.
LAYOUT = "layout.json"


def note_layout(group: Path, arrays: Iterable[str]) -> None:
    """Keep the bytes of all that is no chunk of the arrays that blocks write."""
    written, kept = set(arrays), {}
    for path in sorted(group.rglob("*")):
        name = path.relative_to(group)
        first, *rest = name.parts
        of_blocks = first in written and len(rest) > 1
        if path.is_dir() or first == FOLDER or of_blocks or is_draft(path):
            continue
        kept[name.as_posix()] = _encoded(path)
    kept |= {f"{FOLDER}/{name}": _encoded(group / FOLDER / name) for name in QUESTION}
    put(group / FOLDER / LAYOUT, _text(kept))


def changed(out: Path) -> list[str]:
    """Name what was laid out and is not as it was, or the file that keeps it if that is damaged."""
    kept = _kept(out)
    if kept is None:
        return [f"{FOLDER}/{LAYOUT}"]
    return list(_changed(out, kept))


def laid_out_again(out: Path) -> None:
    """Put back what was laid out and is not as it was."""
    kept = _kept(out) or {}
    for name in _changed(out, kept):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        put(out / name, kept[name])


def lists(out: Path, folder: str) -> bool:
    """Tell whether something within a folder was there when the layout was noted."""
    return any(name.startswith(f"{folder}/") for name in _kept(out) or {})


def axes_kept(out: Path, name: str) -> tuple[str, ...] | None:
    """Give what the axes of an array are called, whatever became of its own metadata."""
    try:
        noted = (out / FOLDER / LAYOUT).stat()
    except OSError:
        return None
    return _axes(str(out), name, (noted.st_ino, noted.st_mtime_ns))


@lru_cache(maxsize=64)
def _axes(out: str, name: str, _: tuple[int, int]) -> tuple[str, ...] | None:
    kept = _kept(Path(out)) or {}
    said = kept.get(f"{name}/zarr.json")
    return None if said is None else tuple(json.loads(said)["dimension_names"])


def _changed(out: Path, kept: Mapping[str, bytes]) -> Iterator[str]:
    for name, content in kept.items():
        try:
            same = (out / name).read_bytes() == content
        except OSError:
            same = False
        if not same:
            yield name


def _kept(out: Path) -> dict[str, bytes] | None:
    """Read what was laid out; None where the file is damaged."""
    try:
        content = (out / FOLDER / LAYOUT).read_bytes()
        files = json.loads(content)["files"]
        if _text(files) == content:
            return {name: b64decode(one) for name, one in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def _encoded(path: Path) -> str:
    return b64encode(path.read_bytes()).decode("ascii")


def _text(files: Mapping[str, str]) -> bytes:
    said = json.dumps(files, sort_keys=True, ensure_ascii=False)
    whole = {"sha256": hashlib.sha256(said.encode("utf-8")).hexdigest(), "files": files}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8")
