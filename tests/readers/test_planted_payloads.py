"""A planted payload is run by no way in, whatever file it lies in."""

import gzip
import io
import json
import pickle
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import joblib
import numpy as np
import pytest
import torch

import rnnlens
from flat_files import operator_file
from rnnlens.errors import RnnlensError
from rnnlens.readers.hardening.tables import MAGIC, crc32c, masked, table
from rnnlens.readers.open import read_or_name_arrays
from rnnlens.series.arrays import read_windows
from rnnlens.series.scalers.read import read_scaler
from rnnlens.series.tables.read import read_table
from rnnlens.writers import native

#: What PyTorch says of its own layers while a program is exported.
pytestmark = pytest.mark.filterwarnings("ignore")
DATA = Path(__file__).resolve().parents[1] / "data"
WEATHER = Path(rnnlens.__file__).parent / "demo/weather.keras"


class Plant:
    """An object whose pickle writes a file when it is loaded."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return open, (self.marker, "w")


def with_members(path, payload, replaced=lambda _: True):
    """Put a payload in the place of each member in turn, and into one of a new name."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    top = next(iter(members)).split("/", 1)[0]
    for number, name in enumerate([*filter(replaced, members), f"{top}/planted.pkl"]):
        made = path.with_name(f"{number}-{path.name}")
        with zipfile.ZipFile(made, "w") as archive:
            for other, content in (members | {name: payload}).items():
                archive.writestr(other, content)
        yield made


def net():
    return torch.nn.Sequential(torch.nn.LSTM(3, 4, batch_first=True))


def program(folder, plant):
    program = torch.export.export(net().eval(), (torch.ones(2, 5, 3),))
    torch.export.save(program, folder / "m.pt2")
    chosen = (
        "model.json",
        "sample_inputs/model.pt",
        "weights/model_weights_config.json",
        "version",
    )
    yield from with_members(folder / "m.pt2", pickle.dumps(plant), lambda n: n.endswith(chosen))


def scripted(folder, plant):
    torch.jit.save(torch.jit.script(net()), folder / "m.pt")
    yield from with_members(folder / "m.pt", pickle.dumps(plant))
    code = f"open({plant.marker!r}, 'w')\n".encode()
    yield from with_members(folder / "m.pt", code, lambda name: name.endswith(".py"))


def checkpoint(folder, plant):
    state = net().state_dict()
    for number, whole in enumerate((
        {"state_dict": state, "planted": plant},
        {"planted": plant, **state},
        [plant, state],
        plant,
    )):
        for new in (True, False):
            path = folder / f"{number}{new:d}.pt"
            torch.save(whole, path, _use_new_zipfile_serialization=new)
            yield path
        (folder / f"{number}.pkl").write_bytes(pickle.dumps(whole))
        yield folder / f"{number}.pkl"


def seven(value):
    """A whole number of seven bits a byte."""
    made = b""
    while value > 0x7F:
        made, value = made + bytes([value & 0x7F | 0x80]), value >> 7
    return made + bytes([value])


def written_table(entries):
    """Write the index of a checkpoint, one block of it."""

    def block(pairs):
        body = b"".join(
            seven(0) + seven(len(key)) + seven(len(value)) + key + value for key, value in pairs
        )
        body += struct.pack("<II", 0, 1) + b"\0"
        return body + struct.pack("<I", masked(crc32c(body)))

    body, filters = block(sorted(entries.items())), block([])
    listed = block([(b"\xff", seven(0) + seven(len(body) - 5))])
    handles = seven(len(body)) + seven(len(filters) - 5)
    handles += seven(len(body) + len(filters)) + seven(len(listed) - 5)
    return body + filters + listed + handles.ljust(40, b"\0") + MAGIC


def with_texts(index, payload):
    """Put variables of texts, each a payload, into a checkpoint of TensorFlow."""
    data = index.with_name(f"{index.stem}.data-00000-of-00001")
    entries, numbers = table(index.read_bytes()), bytearray(data.read_bytes())
    text = seven(len(payload)) + struct.pack("<I", 0) + payload
    entry = b"\x08\x07\x12\x00" + b"\x20" + seven(len(numbers)) + b"\x28" + seven(len(text))
    numbers += text
    for key in ("planted", "planted/.ATTRIBUTES/VARIABLE_VALUE"):
        entries[key.encode()] = entry
    graph = b"_CHECKPOINTABLE_OBJECT_GRAPH"
    data.write_bytes(numbers)
    index.write_bytes(written_table(entries))
    return {"a graph that is a payload": entries | {graph: entry}}


def bundles(folder, plant):
    for source in ("tf115", "tracked", "cp"):
        place = folder / source
        shutil.copytree(DATA / "tensorflow" / source, place)
        (index,) = list(place.rglob("*.index"))[:1]
        others = with_texts(index, pickle.dumps(plant))
        yield place
        yield index
        index.write_bytes(written_table(others["a graph that is a payload"]))
        yield place
        yield index
        for path in place.rglob("*.pb"):
            path.write_bytes(path.read_bytes() + b"\xfa\x3f" + seven(len(pickle.dumps(plant))))
            path.write_bytes(path.read_bytes() + pickle.dumps(plant))
        yield place


def in_hdf5(path, payload):
    """Put a payload into an HDF5 file as texts, as bytes and as attributes."""
    with h5py.File(path, "r+") as file:
        group = file.require_group("layers/planted/vars")
        group["0"] = np.frombuffer(payload, "u1")
        group.create_dataset("1", data=np.void(payload))
        group.create_dataset("2", (1,), h5py.vlen_dtype(np.uint8))
        group["2"][0] = np.frombuffer(payload, "u1")
        file.attrs["planted"] = np.void(payload)


def weights_in_shards(folder, plant):
    import keras

    layers = [keras.layers.LSTM(4, name="low"), keras.layers.Dense(2, name="head")]
    model = keras.Sequential([keras.layers.Input((6, 3)), *layers])
    model.save_weights(folder / "m.weights.json", max_shard_size=3e-7)
    for shard in folder.glob("*.h5"):
        in_hdf5(shard, pickle.dumps(plant))
    yield folder / "m.weights.json"
    text = json.loads((folder / "m.weights.json").read_text())
    text["planted"] = pickle.dumps(plant, 0).decode()
    (folder / "m.weights.json").write_text(json.dumps(text))
    yield folder / "m.weights.json"
    for shard in folder.glob("*.h5"):
        shard.write_bytes(pickle.dumps(plant))
    yield folder / "m.weights.json"


def layers_of_code(folder, plant):
    import keras

    marker = plant.marker
    code = lambda x: open(marker, "w", encoding="utf-8") and x  # noqa: E731, SIM115
    layer = keras.layers.Lambda(code, name="planted")
    model = keras.Sequential([keras.layers.Input((6, 3)), keras.layers.LSTM(4), layer])
    for name in ("m.keras", "m.h5"):
        model.save(folder / name)
        yield folder / name
    (folder / "m.json").write_text(model.to_json())
    yield folder / "m.json"
    Path(marker).unlink(missing_ok=True)  # the model itself ran it as it was made


def archives_of_keras(folder, plant):
    path = folder / "m.keras"
    shutil.copy(WEATHER, path)
    yield from with_members(path, pickle.dumps(plant))
    with zipfile.ZipFile(path) as archive:
        (folder / "w.weights.h5").write_bytes(archive.read("model.weights.h5"))
    in_hdf5(folder / "w.weights.h5", pickle.dumps(plant))
    yield folder / "w.weights.h5"


def scalers(folder, plant):
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.arange(12.0).reshape(4, 3))
    scaler.mean_ = plant
    for number, value in enumerate((scaler, plant, {"x": scaler, "y": plant})):
        for protocol in (0, 2, 4):
            data = pickle.dumps(value, protocol)
            for ending, pack in (("pkl", bytes), ("gz", gzip.compress), ("z", zlib.compress)):
                path = folder / f"{number}-{protocol}.{ending}"
                path.write_bytes(pack(data))
                yield path
        joblib.dump(value, folder / f"{number}.joblib")
        yield folder / f"{number}.joblib"
    node = {"__loader__": "ObjectNode", "__class__": "StandardScaler", "file": "m.pkl"}
    node |= {"__module__": "sklearn.preprocessing._data", "content": {"__reduce__": "m.pkl"}}
    with zipfile.ZipFile(folder / "m.skops", "w") as archive:
        archive.writestr("schema.json", json.dumps(node))
        archive.writestr("m.pkl", pickle.dumps(plant))
    yield folder / "m.skops"


def arrays_of_objects(folder, plant):
    objects = np.empty((2, 3, 1), object)
    objects[...] = plant
    np.save(folder / "m.npy", objects)
    yield folder / "m.npy"
    np.savez(folder / "m.npz", X=objects)
    yield folder / "m.npz"
    np.savez(folder / "others.npz", X=np.ones((2, 3, 1)), y=objects, times=objects, mean=objects)
    yield folder / "others.npz"
    records = np.zeros((2, 3, 1), [("a", "f8"), ("b", "O")])
    records["b"] = plant
    np.save(folder / "records.npy", records)
    yield folder / "records.npy"
    yield from with_members(folder / "m.npz", pickle.dumps(plant))
    (folder / "own.npz").write_bytes(native.write(rnnlens.read(WEATHER)).data)
    raw = io.BytesIO()
    np.save(raw, objects)
    yield from with_members(folder / "own.npz", raw.getvalue())


def options_of_lite(folder, plant):
    payload = pickle.dumps(plant)
    # flexbuffers: a blob, its length before it, and the type of the root behind it
    flexible = struct.pack("<I", len(payload)) + payload + b"\x00\x66\x01"
    for number, custom in enumerate((payload, flexible)):
        path = folder / f"{number}.tflite"
        path.write_bytes(operator_file(32, [(1, 6, 3)], [(1, 4)], custom=custom))
        yield path
    (folder / "after.tflite").write_bytes((DATA / "tflite/plain.tflite").read_bytes() + payload)
    yield folder / "after.tflite"


CONTAINERS = {
    made.__name__: made
    for made in (
        program,
        scripted,
        checkpoint,
        bundles,
        weights_in_shards,
        layers_of_code,
        archives_of_keras,
        scalers,
        arrays_of_objects,
        options_of_lite,
    )
}
#: Every way in, by what it is.
WAYS = {
    "read": rnnlens.read,
    "inspect": rnnlens.describe,
    "arrays": read_or_name_arrays,
    "an architecture": lambda path: rnnlens.read(WEATHER, architecture=path),
    "weights": lambda path: rnnlens.read(path, architecture=WEATHER),
    "windows": read_windows,
    "a table": read_table,
    "a scaler": read_scaler,
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_planted_payload_is_run_by_no_way_in(container, tmp_path):
    marker = tmp_path / "marker"
    folder = tmp_path / "files"
    folder.mkdir()
    count = 0
    for path in CONTAINERS[container](folder, Plant(marker)):
        marker.unlink(missing_ok=True)  # Keras ran a layer's code as it made the model
        for name, way in WAYS.items():
            try:
                way(path)
            except RnnlensError:
                pass
            except OSError:
                assert path.is_dir()  # tables and scalers are files
                assert name in {"windows", "a table", "a scaler"}
            assert not marker.exists(), (path.name, name)
        count += 1
    assert count > 2


def test_the_payload_writes_its_mark_where_python_loads_it(tmp_path):
    pickle.loads(pickle.dumps(Plant(tmp_path / "marker"))).close()
    assert (tmp_path / "marker").exists()
