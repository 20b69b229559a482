"""Good model files, and the ways to damage them."""

from __future__ import annotations

import io
import json
import math
import os
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from several import ENDING, packed, ways_of

#: A way to damage: the content and a source of chance, to the damaged content.
Way = Callable[[bytes, random.Random], bytes]

ROOT = Path(__file__).resolve().parents[1]
SHARED = os.environ.get("RNNLENS_SHARED")
WEATHER = ROOT / "src/rnnlens/demo/weather.keras"
KINDS = {".h5", ".keras", ".pt", ".pth", ".onnx", ".json", ".safetensors", ".npz"}
LARGEST = 300_000
#: Numbers that have broken parsers before.
NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, 2**63, -(2**63), 10**30, 0.5, 1e308, float("nan"))


def seeds(folder: Path) -> list[Path]:
    """Give the good files: the model that ships, what is written of it, and those of others."""
    others = Path(SHARED, "models").rglob("*") if SHARED else ()
    shared = sorted(path for path in others if path.suffix in KINDS)
    return [
        WEATHER,
        *written(folder),
        *checkpoints(folder),
        *of_several(folder),
        *(p for p in shared if p.stat().st_size < LARGEST),
    ]


def written(folder: Path) -> list[Path]:
    """Write the model that ships in every format, and its weights alone."""
    from rnnlens.readers.open import read
    from rnnlens.writers import native as npz_file
    from rnnlens.writers.keras import archive as keras_archive
    from rnnlens.writers.onnx import file as onnx_file
    from rnnlens.writers.torch import safetensors_file

    network = read(WEATHER)
    forms = {
        "weather.npz": npz_file.write(network).data,
        "weather.safetensors": safetensors_file.write(network).data,
        "weather.onnx": onnx_file.write(network).data,
        "weather_again.keras": keras_archive.write(network).data,
    }
    with zipfile.ZipFile(WEATHER) as archive:
        forms["weather.weights.h5"] = archive.read("model.weights.h5")
    for name, data in forms.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in forms]


def checkpoints(folder: Path) -> list[Path]:
    """Write state dicts in every container of PyTorch, with other objects beside them."""
    import warnings

    import torch

    net = torch.nn.ModuleDict({"rnn": torch.nn.LSTM(3, 4), "fc": torch.nn.Linear(4, 1)})
    state = net.state_dict()
    whole = {"state_dict": state, "hyper_parameters": {"loss": torch.nn.MSELoss(), "of": [folder]}}
    paths = [folder / name for name in ("objects.pt", "older.pt", "whole.pt", "int8.pt", "ts.pt")]
    objects, older, pickled, int8, scripted = paths
    torch.save(whole, objects)
    torch.save(whole, older, _use_new_zipfile_serialization=False)
    torch.save(net, pickled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = {torch.nn.LSTM, torch.nn.Linear}
        rounded = torch.ao.quantization.quantize_dynamic(net.eval(), kinds)
        torch.save(rounded.state_dict(), int8)
        torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.LSTM(3, 4))), scripted)
    text = folder / "named.json"
    text.write_text(json.dumps({key: value.tolist() for key, value in state.items()}))
    return [*paths, text]


def of_several(folder: Path) -> list[Path]:
    """Pack the models of TensorFlow and of Keras 3 that are several files."""
    sources = [path for path in sorted((ROOT / "tests/data/tensorflow").iterdir()) if path.is_dir()]
    unzipped = folder / "unzipped"
    with zipfile.ZipFile(WEATHER) as archive:
        archive.extractall(unzipped)
    made = []
    for source in (*sources, unzipped):
        path = folder / f"{source.name}{ENDING}"
        path.write_bytes(packed(source))
        made.append(path)
    return made


def weights_of(source: Path) -> Path | None:
    """Give the file of weights that an architecture in JSON belongs to, the one beside it."""
    stem = source.stem.replace("-architecture", "-weights").replace("_config", "_weights")
    beside = source.with_name(f"{stem}.h5")
    return beside if source.suffix == ".json" and beside.exists() else None


def damage_bytes(data: bytes, rng: random.Random) -> bytes:
    """Change a few bytes of a file, wherever they are."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) or 1)
        size = rng.choice((1, 1, 2, 4, 8, 64, 512))
        match rng.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([changed[at] ^ (1 << rng.randrange(8))])
            case 1:
                changed[at : at + size] = rng.randbytes(size)
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = changed[at : at + size]
            case 4:
                changed[at : at + size] = bytes(min(size, len(changed) - at))
            case _:
                del changed[rng.randrange(len(changed) or 1) :]
        if not changed:
            return b""
    return bytes(changed)


def within(value: object) -> Iterator[object]:
    """Give every value in a JSON document, itself first."""
    yield value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        yield from within(item)


def damage_value(value: object, rng: random.Random, known: list[object]) -> object:
    """Replace one value somewhere in a JSON document, at times by one of those known."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: damage_value(value[key], rng, known)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return [*value[:at], damage_value(value[at], rng, known), *value[at + 1 :]]
    if rng.random() < 0.3:
        return rng.choice(known)
    others = (
        None,
        True,
        "",
        "lstm",
        "../../x",
        "a\nb",
        "\x00",
        [],
        {},
        [[]],
        {"class_name": "Lambda"},
    )
    return rng.choice((*others, *NUMBERS, [value] * 3, "x" * 5000))


def damage_json(text: bytes, rng: random.Random) -> bytes:
    """Change values of a JSON text, or its bytes."""
    try:
        document = json.loads(text)
        known = list(within(document))
    except (ValueError, RecursionError):
        return damage_bytes(text, rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        document = damage_value(document, rng, known)
    return json.dumps(document).encode()


def damage_npy(data: bytes, rng: random.Random) -> bytes:
    """Change values of a JSON text that an ``.npy`` member holds, or the bytes of an array."""
    import numpy as np

    try:
        held = np.load(io.BytesIO(data), allow_pickle=False)
        text = str(held).encode() if held.dtype.kind == "U" else b""
    except (ValueError, EOFError, SyntaxError, UnicodeError):
        text = b""
    if not text:
        return damage_bytes(data, rng)
    out = io.BytesIO()
    np.save(out, np.array(damage_json(text, rng).decode(errors="replace")))
    return out.getvalue()


def damage_zip(data: bytes, rng: random.Random, raw: Way = damage_bytes) -> bytes:
    """Rewrite one member of an archive, so that the archive itself stays whole."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            body = old.read(name)
            if name == chosen:
                ways = {".json": damage_json, ".h5": damage_hdf5, ".npy": damage_npy}
                own = ways_of(name, raw) or [ways.get(Path(name).suffix, raw)]
                body = rng.choice((raw, *own))(body, rng)
            if name != chosen or rng.random() > 0.05:
                new.writestr(name, body)
    return out.getvalue()


def damage_hdf5(data: bytes, rng: random.Random) -> bytes:
    """Change what an HDF5 file holds through HDF5 itself: its texts, its arrays, its links."""
    import h5py

    from rnnlens.readers.hardening.heaps import texts_are_whole

    if not texts_are_whole(io.BytesIO(data)):  # HDF5 would take whatever memory they declare
        return damage_bytes(data, rng)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.h5"
        path.write_bytes(data)
        way = rng.choice((damage_config, damage_object))
        try:
            with h5py.File(path, "r+") as file:
                way(file, rng)
        except (ValueError, TypeError, OSError, RuntimeError):  # what h5py refuses to write
            return damage_bytes(data, rng)
        return path.read_bytes()


def damage_config(file: Any, rng: random.Random) -> None:
    """Change the architecture that an open HDF5 file states, or else another object in it."""
    if "model_config" not in file.attrs:
        damage_object(file, rng)
        return
    config = file.attrs["model_config"]
    raw = config if isinstance(config, bytes) else str(config).encode()
    file.attrs["model_config"] = damage_json(raw, rng).decode(errors="replace")


def damage_object(file: Any, rng: random.Random) -> None:
    """Replace an attribute or an object somewhere in an open HDF5 file."""
    import h5py
    import numpy as np

    names = ["/"]
    file.visit(names.append)
    name = rng.choice(names)
    if rng.random() < 0.4 and file[name].attrs:
        key = rng.choice(list(file[name].attrs))
        others = (0, "x" * 3000, [], ["lstm"] * 3, [b"\xff\x00"], np.zeros((2, 2)), h5py.Empty("f"))
        file[name].attrs[key] = rng.choice((*others, np.array([b"a/../..", b""])))
        return
    if name == "/":
        return
    shape = getattr(file[name], "shape", ()) or (rng.choice((0, 1, 4)),)
    shape = shape if math.prod(shape) < 2**20 else (4,)  # huge where it was damaged before
    del file[name]
    match rng.randrange(8):
        case 0:
            file[name] = h5py.SoftLink(rng.choice(("/", name, "/nowhere", "..")))
        case 1:
            file[name] = h5py.ExternalLink(str(WEATHER), "/")
        case 2:
            file.create_group(name)
        case 3:
            kind = rng.choice(("i8", "c16", "S5", "f2", ">f4", "f4,f4", "O"))
            file.create_dataset(name, shape, h5py.string_dtype() if kind == "O" else kind)
        case 4:
            huge = rng.choice((2**20, 2**31, 2**40, 2**62))
            file.create_dataset(name, (huge,), "f4", chunks=(rng.choice((1, 2**10, 2**28)),))
        case 5:
            file.create_dataset(name, (rng.choice((2**20, 2**28, 2**33)),), "f4", fillvalue=1.0)
        case 6:
            places = [(str(WEATHER), 0, h5py.h5f.UNLIMITED)]
            file.create_dataset(name, (64,), "f4", external=places)
        case _:
            values = np.full(shape[::-1], rng.choice((np.nan, np.inf, 1e38)))
            file[name] = values


def damage_header(data: bytes, rng: random.Random) -> bytes:
    """Change values of the JSON header of a safetensors file, and state its new length."""
    length = int.from_bytes(data[:8], "little")
    header = damage_json(data[8 : 8 + length], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def damage_onnx(data: bytes, rng: random.Random) -> bytes:
    """Change fields of an ONNX model, the message itself kept whole."""
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        return damage_bytes(data, rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        damage_field(model, rng)
    return model.SerializeToString()


def damage_field(message: Any, rng: random.Random) -> None:
    """Change one field of a message of protocol buffers, or of one within it."""
    present = message.ListFields()
    if not present:
        return
    field, value = rng.choice(present)
    several = field.is_repeated and list(value)
    if rng.random() < 0.1:
        message.ClearField(field.name)
    elif several and rng.random() < 0.15:
        at = rng.randrange(len(several))
        again = rng.choice((several[:at], [*several, several[at]], several[::-1]))
        message.ClearField(field.name)
        getattr(message, field.name).extend(again)
    elif field.message_type:
        damage_field(rng.choice(several) if several else value, rng)
    else:
        at = rng.randrange(len(several or [0]))
        new = damage_scalar(several[at] if several else value, rng)
        try:
            if several:
                value[at] = new
            else:
                setattr(message, field.name, new)
        except (TypeError, ValueError, OverflowError):  # what the field's type does not take
            message.ClearField(field.name)


def damage_scalar(value: object, rng: random.Random) -> object:
    """Change a number, a text or bytes."""
    if isinstance(value, bytes):
        return damage_bytes(value, rng)
    if isinstance(value, str):
        return rng.choice(("", "X", "../x", "LSTM", "Reshape", "Loop", value + "\n", value * 2))
    return rng.choice((*NUMBERS, 2, 3, 7, 10, 11, 16, -2))


def damaged(path: Path, rng: random.Random) -> bytes:
    """Give a damaged copy of a file."""
    return damage(path.read_bytes(), path.suffix, rng)


def damage(data: bytes, suffix: str, rng: random.Random, raw: Way = damage_bytes) -> bytes:
    """Damage a content of the format that its suffix says, ``raw`` being how bytes are changed."""
    ways: list[Way] = [raw]
    if suffix == ENDING:
        return damage_zip(data, rng, raw)
    if zipfile.is_zipfile(io.BytesIO(data)):
        ways += [lambda data, rng: damage_zip(data, rng, raw)] * 2
    if data.startswith(b"\x89HDF"):
        ways += [damage_hdf5]
    others = {".json": damage_json, ".safetensors": damage_header, ".onnx": damage_onnx}
    if suffix in others:
        ways += [others[suffix]]
    return rng.choice(ways)(data, rng)
