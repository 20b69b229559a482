"""What a file is that no reader takes, told by its first bytes."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

__all__ = ["describe", "digest_of"]

#: How much of a file is looked at.
HEAD = 4096

#: First bytes of other formats.
SIGNATURES = (
    (b"PK\x03\x04", "begins like a zip archive, but its end is missing: it is truncated"),
    (b"\x80\x02", "is a Python pickle, which rnnlens never loads, for it can run code"),
    (b"\x80\x03", "is a Python pickle, which rnnlens never loads, for it can run code"),
    (b"\x80\x04", "is a Python pickle, which rnnlens never loads, for it can run code"),
    (b"\x80\x05", "is a Python pickle, which rnnlens never loads, for it can run code"),
    (b"\x93NUMPY", "is a NumPy array, not a model"),
    (b"\x1f\x8b", "is compressed with gzip: unpack it first"),
    (b"%PDF", "is a PDF, not a model"),
    (b"\x89PNG", "is a picture, not a model"),
)


def digest_of(path: Path) -> str:
    """Give the SHA-256 of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        In hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(path: Path) -> str:
    """Say what a file holds instead of a model.

    Parameters
    ----------
    path : Path
        A file that no reader takes.

    Returns
    -------
    str
        The rest of a sentence that begins with the file's name.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return "is empty"
    if zipfile.is_zipfile(path):
        return _describe_zip(path)
    if head.startswith(b"version https://git-lfs"):
        return (
            "is a Git LFS pointer, not the model itself: fetch the file with `git lfs pull` or "
            "download it again"
        )
    for signature, words in SIGNATURES:
        if head.startswith(signature):
            return words
    if b"onnx" in head[:256] or (head[:1] == b"\x08" and b"\x12" in head[:16]):
        return "looks like an ONNX model, which rnnlens does not read yet"
    return _describe_text(head)


def _describe_zip(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith(("data.pkl", "constants.pkl")) for name in names):
        return "is a PyTorch file, which rnnlens does not read yet"
    if names and all(name.endswith(".npy") for name in names):
        return "is a NumPy archive of arrays, not a model"
    held = ", ".join(sorted(names)[:4]) or "nothing"
    return f"is a zip archive without config.json, so it is no Keras archive (it holds {held})"


def _describe_text(head: bytes) -> str:
    try:
        text = head.decode("utf-8").lstrip().lower()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return "is of a format that rnnlens does not know"
        text = head[: error.start].decode("utf-8").lstrip().lower()
    if text.startswith(("<!doctype html", "<html")):
        return "is an HTML page, not a model: the download fetched a web page instead of the file"
    if text.startswith(("{", "[")):
        return "is JSON text: it may state an architecture, but it holds no weights"
    if "\x00" in text:
        return "is of a format that rnnlens does not know"
    return "is a text file, not a model"
