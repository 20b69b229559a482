"""What no reader takes, and the sentence that each is refused with: the rest after its path."""

import gzip
import io
import json
import zipfile
import zlib

__all__ = ["FILES", "FOLDERS"]

GIVE = "give a model file of Keras, PyTorch or ONNX"
PICKLE = (
    "is a Python pickle, which rnnlens never loads, for it can run code: save the model itself, "
    "with model.save in Keras or its state_dict with torch.save in PyTorch"
)
SAVED_MODEL = (
    "is a TensorFlow SavedModel, which TensorFlow alone can open: load it there and save the Keras "
    "model with model.save('model.keras')"
)
ARCHITECTURE = (
    "is an architecture without weights: give the file of its weights, and name this one with "
    "architecture= (--architecture)"
)


def _zip(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return made.getvalue()


def _field(number: int, content: bytes) -> bytes:
    """Write one length-delimited field of a protocol buffer."""
    return bytes([number << 3 | 2, len(content)]) + content


def _node(name: str, operation: str) -> bytes:
    named = _field(1, name.encode()) + _field(2, operation.encode())
    return _field(1, named + _field(5, _field(1, b"dtype")))


#: A case's name, its bytes, and the sentence.
FILES: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "is empty"),
    "text": (b"temp,dewp\n1,2\n", f"is a text file, not a model; {GIVE}"),
    "text with umlauts": ("Größe\n".encode(), f"is a text file, not a model; {GIVE}"),
    "a Git LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n",
        "is a Git LFS pointer, not the model itself: fetch the file with `git lfs pull` or "
        "download it again",
    ),
    "an HTML page": (
        b"\n<!DOCTYPE html>\n<html><head><title>Not found</title></head></html>",
        "is an HTML page, not a model: the download fetched a web page instead of the file",
    ),
    "a Keras architecture in JSON": (
        json.dumps({"class_name": "Sequential", "config": []}).encode(),
        ARCHITECTURE,
    ),
    "a Keras architecture in JSON within JSON": (
        json.dumps(json.dumps({"class_name": "Sequential", "config": []})).encode(),
        ARCHITECTURE,
    ),
    "a Keras architecture in YAML": (
        b"backend: tensorflow\nclass_name: Model\nconfig:\n  {}\n",
        ARCHITECTURE,
    ),
    "other JSON": (b'{"epochs": 3}', f"is JSON text, not a model; {GIVE}"),
    "TensorFlow.js": (
        b'{"format": "layers-model", "modelTopology": {}, "weightsManifest": []}',
        "is the model.json of TensorFlow.js, whose weights lie in other files: convert it with "
        "`tensorflowjs_converter --input_format=tfjs_layers_model --output_format=keras` and give "
        "the result",
    ),
    "TensorFlow Lite": (
        b"\x1c\x00\x00\x00TFL3\x14\x00\x20\x00" + bytes(40),
        "is a TensorFlow Lite model, made for running and not for reading: give the Keras model "
        "that it was converted from, saved with model.save('model.keras')",
    ),
    "a frozen graph": (
        _node("x", "Placeholder") + _node("lstm/kernel", "Const"),
        "is a frozen TensorFlow graph, in which a recurrent layer is a loop of small operations "
        "without its name: give the Keras model that it was made from, saved with "
        "model.save('model.keras')",
    ),
    "the file within a SavedModel": (
        b"\x08\x01" + _field(2, _field(2, _node("x", "VarHandleOp") + _node("y", "NoOp"))),
        SAVED_MODEL,
    ),
    "a zipped SavedModel": (
        _zip("m/saved_model.pb", "m/variables/variables.index"),
        f"is a zip archive; what it holds {SAVED_MODEL}",
    ),
    "a TensorFlow checkpoint": (
        b'model_checkpoint_path: "model.ckpt-100"\n',
        "names a checkpoint of TensorFlow, which TensorFlow alone can open: load it there and save "
        "the Keras model with model.save('model.keras')",
    ),
    "Deeplearning4j": (
        _zip("configuration.json", "coefficients.bin", "updaterState.bin"),
        "is a model of Deeplearning4j, which rnnlens does not read: give the Keras model that it "
        "was imported from, or export it as ONNX",
    ),
    "a pickle": (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.", PICKLE),
    "a dump of joblib": (
        zlib.compress(b"\x80\x04}."),
        f"is compressed with zlib, as joblib does; what it holds {PICKLE}",
    ),
    "gzip": (
        gzip.compress(b"\x89HDF\r\n\x1a\n"),
        "is compressed with gzip: unpack it first, with `gunzip` or `tar -xzf`",
    ),
    "bzip2": (
        b"BZh91AY&SY",
        "is compressed with bzip2: unpack it first, with `bunzip2` or `tar -xjf`",
    ),
    "xz": (
        b"\xfd7zXZ\x00\x00\x04",
        "is compressed with xz: unpack it first, with `unxz` or `tar -xJf`",
    ),
    "tar": (
        b"model.keras".ljust(257, b"\x00") + b"ustar\x0000",
        "is a tar archive: unpack it first, with `tar -xf`",
    ),
    "a NumPy array": (b"\x93NUMPY\x01\x00", f"is a NumPy array, not a model; {GIVE}"),
    "a truncated zip": (
        b"PK\x03\x04 and no end",
        "begins like a zip archive, but its end is missing: copy or download it again",
    ),
    "another zip": (
        _zip("notes.txt"),
        f"is a zip archive without config.json, so it is no Keras archive (it holds notes.txt); "
        f"{GIVE}",
    ),
    "truncated HDF5": (
        b"\x89HDF\r\n\x1a\n and no more",
        "begins like HDF5, but it is truncated or damaged; copy or download it again",
    ),
    "noise": (
        bytes(range(250, 256)) * 100,
        f"is of a format that rnnlens does not know; {GIVE}",
    ),
}

#: A case's name, the files in the folder, and the sentence.
FOLDERS: dict[str, tuple[tuple[str, ...], str]] = {
    "a SavedModel": (("saved_model.pb",), SAVED_MODEL),
    "any folder": (("model.keras",), f"is a directory; {GIVE}"),
}
