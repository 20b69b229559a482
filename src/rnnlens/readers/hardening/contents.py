"""What a file is that no reader takes, told by its first bytes."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from rnnlens.readers.hardening.zips import is_zip

__all__ = ["describe", "describe_folder", "digest_of", "stands"]

#: How much of a file is looked at.
HEAD = 4096

#: What to do with a file that is no model.
GIVE = "give a model file of Keras, PyTorch or ONNX"

PICKLE = (
    "is a Python pickle, which rnnlens never loads, for it can run code: save the model itself, "
    "with model.save in Keras or its state_dict with torch.save in PyTorch"
)

UNKNOWN = f"is of a format that rnnlens does not know; {GIVE}"

#: First bytes of other formats.
SIGNATURES = (
    (b"PK\x03\x04", "begins like a zip archive, but its end is missing: copy or download it again"),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
    (b"x\x01", f"is compressed with zlib, as joblib does; what it holds {PICKLE}"),
    (b"x\x9c", f"is compressed with zlib, as joblib does; what it holds {PICKLE}"),
    (b"x\xda", f"is compressed with zlib, as joblib does; what it holds {PICKLE}"),
    (b"\x93NUMPY", f"is a NumPy array, not a model; {GIVE}"),
    (b"\x1f\x8b", "is compressed with gzip: unpack it first, with `gunzip` or `tar -xzf`"),
    (b"BZh", "is compressed with bzip2: unpack it first, with `bunzip2` or `tar -xjf`"),
    (b"\xfd7zXZ\x00", "is compressed with xz: unpack it first, with `unxz` or `tar -xJf`"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive: unpack it first"),
    (b"Rar!", "is a RAR archive: unpack it first"),
    (b"MATLAB 5.0", f"is a MATLAB file, not a model; {GIVE}"),
    (b"%PDF", f"is a PDF, not a model; {GIVE}"),
    (b"\x89PNG", f"is a picture, not a model; {GIVE}"),
)

SAVED_MODEL = (
    "is a TensorFlow SavedModel, whose variables lie beside it in files of their own: give the "
    "folder that holds saved_model.pb and variables"
)

FROZEN = (
    "is a frozen TensorFlow graph, in which a recurrent layer is a loop of small operations "
    "without its name: give the Keras model that it was made from, saved with "
    "model.save('model.keras')"
)

TFJS = (
    "is the model.json of TensorFlow.js, whose weights lie in other files: convert it with "
    "`tensorflowjs_converter --input_format=tfjs_layers_model --output_format=keras` and give the "
    "result"
)

ARCHITECTURE = (
    "is an architecture without weights: give the file of its weights, and name this one with "
    "architecture= (--architecture)"
)

#: Operations that nearly every graph of TensorFlow begins with.
GRAPH_WORDS = (b"Placeholder", b"Const", b"VarHandleOp", b"ReadVariableOp", b"NoOp", b"dtype")


def digest_of(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_folder(path: Path) -> str:
    """Say what a folder holds instead of a model file."""
    if (path / "saved_model.pbtxt").exists():
        return (
            "is a TensorFlow SavedModel whose graph is text, which Keras never writes: save the "
            "Keras model with model.save('model.keras')"
        )
    return f"is a directory; {GIVE}"


def describe(path: Path) -> str:
    """Say what a file holds instead of a model."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return "is empty: copy or download it again"
    if is_zip(path):
        return _describe_zip(path)
    if head.startswith(b"version https://git-lfs"):
        return (
            "is a Git LFS pointer, not the model itself: fetch the file with `git lfs pull` or "
            "download it again"
        )
    for signature, words in SIGNATURES:
        if head.startswith(signature):
            return words
    if head[257:262] == b"ustar":
        return "is a tar archive: unpack it first, with `tar -xf`"
    graph = _describe_graph(head)
    if graph:
        return graph
    if b"onnx" in head[:256] or (head[:1] == b"\x08" and b"\x12" in head[:16]):
        return (
            "begins somewhat like an ONNX model, but its graph is not there: it is damaged; copy "
            "or download it again"
        )
    return _describe_text(head)


def _describe_graph(head: bytes) -> str:
    """Tell the two forms in which TensorFlow writes graphs as protocol buffers."""
    if sum(word in head for word in GRAPH_WORDS) < 2:
        return ""
    if head.startswith(b"\x08\x01\x12"):
        return SAVED_MODEL
    return FROZEN if head.startswith(b"\n") else ""


def _describe_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, RuntimeError, ValueError):
        return "is a zip archive whose list of members is damaged; copy or download it again"
    if any(name.endswith(("data.pkl", "constants.pkl")) for name in names):
        return (
            "is a PyTorch file, but its parts are not those that torch.save writes: save the "
            "model's state_dict with torch.save"
        )
    if {"configuration.json", "coefficients.bin"} <= set(names):
        return (
            "is a model of Deeplearning4j, which rnnlens does not read: give the Keras model that "
            "it was imported from, or export it as ONNX"
        )
    if any(name.endswith("saved_model.pb") for name in names):
        return f"is a zip archive; what it holds {SAVED_MODEL}, unpacked"
    if names and all(name.endswith(".npy") for name in names):
        return f"is a NumPy archive of arrays, not a model; {GIVE}"
    held = ", ".join(sorted(names)[:4]) or "nothing"
    return (
        f"is a zip archive without config.json, so it is no Keras archive (it holds {held}); {GIVE}"
    )


def _describe_text(head: bytes) -> str:
    try:
        text = head.decode("utf-8").lstrip().lower()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return UNKNOWN
        text = head[: error.start].decode("utf-8").lstrip().lower()
    if text.startswith(("<!doctype html", "<html")):
        return "is an HTML page, not a model: the download fetched a web page instead of the file"
    if text.startswith(("{", "[", '"{')):
        return _describe_json(text)
    if "\x00" in text:
        return UNKNOWN
    if "class_name:" in text and "config:" in text:
        return ARCHITECTURE
    if text.startswith("model_checkpoint_path:"):
        return (
            "names a checkpoint of TensorFlow that is not beside it: copy its .index and its .data "
            "files there"
        )
    return f"is a text file, not a model; {GIVE}"


def _describe_json(text: str) -> str:
    if "weightsmanifest" in text or "modeltopology" in text:
        return TFJS
    if "class_name" in text:
        return ARCHITECTURE
    return f"is JSON text, not a model; {GIVE}"


def stands(path: Path) -> bool:
    """Tell whether a file stands at a place that another file names, however long the name is."""
    try:
        return path.is_file()
    except OSError:  # no file system takes such a name
        return False
