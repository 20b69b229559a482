"""Pickles that would run something if anybody followed them, and damaged ones."""

from __future__ import annotations

import pickle
import pickletools
import struct
from collections.abc import Iterator

import numpy as np

__all__ = ["MARK", "attacks", "mutated", "sound_pickle"]

#: What each attack would make: a module of this name would be imported, its function called.
MARK = "rnnlens_attack"


def _text(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def _named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


CALL = _named(MARK, "run")
STANDARD = _named("sklearn.preprocessing._data", "StandardScaler")


def _written(steps: bytes) -> bytes:
    return b"\x80\x04" + steps + b"."


def _in_field(value: bytes) -> bytes:
    """A StandardScaler one of whose fields is what the steps make."""
    return _written(STANDARD + b")\x81}" + _text("mean_") + value + b"sb")


def attacks() -> dict[str, bytes]:
    """Give each malicious pickle by its name."""
    nested = b"]" + b"]a" * 100_000  # lists a hundred thousand deep
    doubling = b"]\x94" + b"".join(b"(h%ch%ct\x94" % (k, k) for k in range(200))
    return {
        "reduce of a function": _written(CALL + b")R"),
        "reduce of os.system": _written(_named("os", "system") + b"(X\x02\x00\x00\x00lstR"),
        "reduce of posix.system, protocol 0": b"cposix\nsystem\n(S'true'\ntR.",
        "reduce of eval": _written(_named("builtins", "eval") + _text("1/0") + b"\x85R"),
        "reduce of exec by its old name": b"c__builtin__\nexec\n(S'1/0'\ntR.",
        "reduce of getattr": _written(_named("builtins", "getattr") + CALL + _text("x") + b"\x86R"),
        "reduce of __import__": _written(_named("builtins", "__import__") + _text(MARK) + b"\x85R"),
        "reduce of subprocess": _written(_named("subprocess", "Popen") + _text("ls") + b"\x85R"),
        "a name by its path": _written(_text("builtins") + _text("eval.__call__") + b"\x93"),
        "a name put together on the stack": _written(_text(MARK) + _text("run") + b"\x93)R"),
        "a dotted name of scikit-learn": _written(
            _text("sklearn.utils") + _text("os.system") + b"\x93" + _text("ls") + b"\x85R"
        ),
        "a function of scikit-learn": _written(
            _named("sklearn.utils", "import_module") + _text(MARK) + b"\x85R"
        ),
        "a function of NumPy": _written(_named("numpy.testing", "runstring") + b")R"),
        "a load of NumPy": _written(_named("numpy", "load") + _text(MARK) + b"\x85R"),
        "the unpickler within": _written(_named("pickle", "loads") + b"C\x01." + b"\x85R"),
        "build with a state that sets a method": _written(CALL + b")\x81}Nb"),
        "build of a scaler's __class__": _in_field(CALL),
        "a call in a field of a scaler": _in_field(CALL + b")R"),
        "newobj": _written(CALL + b")\x81"),
        "newobj by keyword": _written(CALL + b")}\x92"),
        "newobj by keyword of a scaler": _written(STANDARD + b")}" + _text("a") + CALL + b"s\x92"),
        "inst": b"(i" + MARK.encode() + b"\nrun\n.",
        "obj": _written(b"(" + CALL + b"o"),
        "extension of one byte": _written(b"\x82\x01)R"),
        "extension of two bytes": _written(b"\x83\x01\x00)R"),
        "extension of four bytes": _written(b"\x84\x01\x00\x00\x00)R"),
        "persistent identifier, protocol 0": b"Pthe id\n.",
        "persistent identifier": _written(b"K\x01Q"),
        "a buffer from outside": _written(b"\x97"),
        "a buffer from outside, read only": _written(b"\x97\x98"),
        "memo that stands for itself": _written(b"]\x94h\x00a"),
        "memo that doubles": _written(doubling),
        "memo with a place of its own choosing": _written(b"]r\xff\xff\xff\xff"),
        "memo never kept": _written(b"h\x07"),
        "a scaler that is its own field": _written(
            STANDARD + b")\x81\x94}" + _text("mean_") + b"h\x00sb"
        ),
        "a pipeline that is its own step": _written(
            _named("sklearn.pipeline", "Pipeline")
            + b")\x81\x94}"
            + _text("steps")
            + b"]"
            + _text("a")
            + b"h\x00\x86asb"
        ),
        "lists in lists": _written(nested),
        "a length beyond the file": _written(b"\x8e" + struct.pack("<Q", 2**62)),
        "a length beyond all memory": _written(b"\x96" + struct.pack("<Q", 2**63 - 1)),
        "a whole number of a million digits": _written(b"\x8b\x80\x1a\x06\x00" + b"\x7f" * 400_000),
        "an array of more numbers than there are": _in_field(_array((2**40,), b"")),
        "an array of objects": _in_field(_array((1,), b"", code="O8", data=b"](" + CALL + b")Re")),
        "an array of records": _in_field(_array((1,), b"\0" * 8, code="V8")),
        "an array that another class makes": _in_field(CALL + b"K\x00\x85C\x01b\x87R"),
        "a wrapper of joblib that another class makes": _wrapper(CALL),
        "a wrapper of joblib with another pickle": _wrapper(
            _named("numpy", "ndarray"), "O8", CALL + b")R."
        ),
        "nothing but an end": b".",
        "too few on the stack": b"\x80\x04R.",
        "a mark that nothing set": b"\x80\x04t.",
    }


def _array(
    shape: tuple[int, ...], raw: bytes, code: str = "f8", data: bytes | None = None
) -> bytes:
    """The steps of an array as NumPy pickles it."""
    made = _named("numpy.core.multiarray", "_reconstruct") + _named("numpy", "ndarray")
    lengths = b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in shape)
    dtype = _named("numpy", "dtype") + _text(code) + b"\x85R(K\x03" + _text("<") + b"NNNtb"
    numbers = b"B" + struct.pack("<I", len(raw)) + raw if data is None else data
    return (
        made + b"K\x00\x85C\x01b\x87R(K\x01(" + lengths + b"t" + dtype + b"\x89" + numbers + b"tb"
    )


def _wrapper(subclass: bytes, code: str = "f8", after: bytes = b"\0" * 8) -> bytes:
    dtype = _named("numpy", "dtype") + _text(code) + b"\x85R(K\x03" + _text("<") + b"NNNtb"
    fields = b"}(" + _text("subclass") + subclass + _text("shape") + b"K\x01\x85"
    fields += _text("order") + _text("C") + _text("dtype") + dtype + _text("allow_mmap") + b"\x89u"
    made = _named("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + fields + b"b"
    return _written(STANDARD + b")\x81}" + _text("mean_") + made + after + b"sb")


def sound_pickle(protocol: int = 4) -> bytes:
    """A StandardScaler with the fields that scikit-learn gives it, written without scikit-learn."""
    state = {"with_mean": True, "with_std": True, "copy": True, "n_features_in_": 3}
    state |= {"mean_": np.array([1.0, 2.0, 3.0]), "scale_": np.array([4.0, 5.0, 6.0])}
    inner = pickle.dumps(state, protocol)
    head = 2 if protocol >= 2 else 0
    steps = b"".join(
        inner[at:end]
        for name, at, end in _spans(inner)
        if name not in {"PROTO", "FRAME", "STOP"} and at >= head
    )
    return bytes([0x80, max(protocol, 2)]) + STANDARD + b")\x81" + steps + b"b."


def _spans(data: bytes) -> Iterator[tuple[str, int, int]]:
    places = [(step.name, at or 0) for step, _, at in pickletools.genops(data)]
    ends = [at for _, at in places[1:]] + [len(data)]
    for (name, at), end in zip(places, ends, strict=True):
        yield name, at, end


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Change a pickle: bytes, a cut, a piece put in, a piece twice, instructions that reach out."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(len(changed))) if changed else 0
        match rng.integers(6):
            case 0 if changed:
                changed[at] = rng.integers(256)
            case 1 if changed:
                changed[at] ^= 1 << int(rng.integers(8))
            case 2:
                changed = changed[:at]
            case 3:
                changed[at:at] = rng.bytes(int(rng.integers(1, 9)))
            case 4:
                end = at + int(rng.integers(1, 40))
                changed[at:at] = changed[at:end]
            case _:
                inserts = [
                    CALL + b")R",
                    CALL,
                    b"R",
                    b"\x81",
                    b"\x82\x01",
                    b"Q",
                    b"b",
                    b"o",
                    b"h\x00",
                ]
                changed[at:at] = inserts[int(rng.integers(len(inserts)))]
    return bytes(changed)
