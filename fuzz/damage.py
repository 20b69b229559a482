"""The ways to damage a file, by its format."""

from __future__ import annotations

import io
import json
import math
import random
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from several import ENDING, ways_of

#: A way to damage: the content and a source of chance, to the damaged content.
Way = Callable[[bytes, random.Random], bytes]

WEATHER = Path(__file__).resolve().parents[1] / "src/rnnlens/demo/weather.keras"
#: The first bytes of what gzip and zlib compress.
PRESSED = (b"\x1f\x8b", b"x\x01", b"x\x9c", b"x^", b"x\xda")
#: Numbers that have broken parsers before.
NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, 2**63, -(2**63), 10**30, 0.5, 1e308, float("nan"))


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


def damage_pressed(data: bytes, rng: random.Random, raw: Way) -> bytes:
    """Change what is compressed, with gzip or zlib, and compress it again."""
    form = 15 if data.startswith(b"x") else 31
    try:
        held = zlib.decompress(data, form)
    except zlib.error:
        return raw(data, rng)
    packer = zlib.compressobj(wbits=form)
    return packer.compress(raw(held, rng)) + packer.flush()


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


def damage_words(data: bytes, rng: random.Random) -> bytes:
    """Change whole words of a file: places, lengths and numbers of a flat buffer."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = 2 * rng.randrange(max(1, len(changed) // 2))
        size = rng.choice((1, 2, 4))
        was = int.from_bytes(changed[at : at + size], "little")
        others = (0, 1, was + 4, was - 4, was ^ 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), at)
        word = (rng.choice(others) % 256**size).to_bytes(size, "little")
        changed[at : at + size] = word
    return bytes(changed)


def damaged(path: Path, rng: random.Random) -> bytes:
    """Give a damaged copy of a file."""
    return damage(path.read_bytes(), path.suffix, rng)


def damage(data: bytes, suffix: str, rng: random.Random, raw: Way = damage_bytes) -> bytes:
    """Damage a content of the format that its suffix says, ``raw`` being how bytes are changed."""
    ways: list[Way] = [raw]
    if suffix == ENDING:
        return damage_zip(data, rng, raw)
    if data.startswith(PRESSED):
        ways += [lambda data, rng: damage_pressed(data, rng, raw)]
    if zipfile.is_zipfile(io.BytesIO(data)):
        ways += [lambda data, rng: damage_zip(data, rng, raw)] * 2
    if data.startswith(b"\x89HDF"):
        ways += [damage_hdf5]
    others = {
        ".json": damage_json,
        ".safetensors": damage_header,
        ".onnx": damage_onnx,
        ".tflite": damage_words,
    }
    if suffix in others:
        ways += [others[suffix]]
    elif data.startswith(b"{"):
        ways += [damage_json]
    return rng.choice(ways)(data, rng)
