"""Write the small files of TensorFlow in ``tests/data/tensorflow``, with what their models give.

TensorFlow is too large for the tests, so this runs in an environment of its own, once for the
Keras within TensorFlow and once for Keras 3::

    python3 -m venv /tmp/tf && /tmp/tf/bin/pip install -r benchmarks/tensorflow/requirements.txt
    /tmp/tf/bin/python benchmarks/tensorflow/write_fixtures.py
    /tmp/tf/bin/python benchmarks/tensorflow/write_fixtures.py keras3

Of ``saved_model.pb`` only the object graph is kept, for the graphs of operations take a megabyte
and are never read. The folders ``tf24`` and ``tf115`` hold what TensorFlow 2.0 to 2.4 and 1.14 to
1.15 wrote, laid out here by a newer one: the texts of ``keras_metadata.pb`` within the objects of
``saved_model.pb``, and ``assets/saved_model.json`` beside a checkpoint.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

OLD = "keras3" not in sys.argv
os.environ.update(
    TF_USE_LEGACY_KERAS="1" if OLD else "0",
    KERAS_BACKEND="tensorflow",
    CUDA_VISIBLE_DEVICES="-1",
    TF_CPP_MIN_LOG_LEVEL="3",
)

# the libraries look at the environment as they are loaded
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel  # noqa: E402

if OLD:
    import tf_keras as keras
    from tf_keras.protobuf.saved_metadata_pb2 import SavedMetadata
else:
    import keras

L = keras.layers
ROOT = Path(__file__).resolve().parents[2] / "tests/data/tensorflow"
RNG = np.random.default_rng(5)
SHAPE = (8, 4)
X = np.random.default_rng(6).normal(size=(4, *SHAPE)).astype("float32")


def filled(model: keras.Model) -> keras.Model:
    """Give every array distinct random numbers, a variance positive ones."""
    values = [RNG.normal(size=tuple(w.shape)) * 0.4 for w in model.weights]
    names = [getattr(w, "path", w.name) for w in model.weights]
    model.set_weights([
        abs(v) + 0.1 if "variance" in n else v for v, n in zip(values, names, strict=True)
    ])
    return model


def slim(folder: Path) -> None:
    """Keep of a SavedModel what is read: the object graph, without concrete functions."""
    path = folder / "saved_model.pb"
    whole, kept = SavedModel.FromString(path.read_bytes()), SavedModel()
    kept.saved_model_schema_version = 1
    graph = kept.meta_graphs.add().object_graph_def
    for node in whole.meta_graphs[0].object_graph_def.nodes:
        own = graph.nodes.add()
        own.children.extend(node.children)
        if node.HasField("user_object"):
            own.user_object.CopyFrom(node.user_object)
    path.write_bytes(kept.SerializeToString())
    for extra in ("fingerprint.pb", "assets"):
        shutil.rmtree(folder / extra, ignore_errors=True)
        (folder / extra).unlink(missing_ok=True)


def as_tf24(folder: Path) -> None:
    """Move the texts of the metadata to the objects, where TensorFlow 2.0 to 2.4 kept them."""
    listed = SavedMetadata.FromString((folder / "keras_metadata.pb").read_bytes())
    path = folder / "saved_model.pb"
    whole = SavedModel.FromString(path.read_bytes())
    nodes = whole.meta_graphs[0].object_graph_def.nodes
    for each in listed.nodes:
        nodes[each.node_id].user_object.metadata = each.metadata
        nodes[each.node_id].user_object.identifier = each.identifier
    path.write_bytes(whole.SerializeToString())
    (folder / "keras_metadata.pb").unlink()


def as_tf115(model: keras.Model, folder: Path) -> None:
    """Write what ``tf.keras.experimental.export_saved_model`` of TensorFlow 1.14 and 1.15 wrote."""
    (folder / "assets").mkdir(parents=True)
    (folder / "assets/saved_model.json").write_text(model.to_json())
    model.save_weights(folder / "variables/variables")
    (folder / "variables/checkpoint").unlink()
    (folder / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")


def renamed(model: keras.Model) -> keras.Model:
    """Exchange the names of the first two layers."""
    one, two = model.layers[:2]
    one._name, two._name = two._name, one._name  # as users do, though the name is private
    return model


class Own(keras.Model):
    """A class of the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = L.LSTM(3)
        self.heads = [L.Dense(2, name="wide"), L.Dense(1, name="last")]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Run it."""
        x = self.memory(x)
        for head in self.heads:
            x = head(x)
        return x


def named_checkpoint(model: keras.Model, prefix: Path) -> None:
    """Write a checkpoint of TensorFlow 1: names and no object graph, slots of a trained model."""
    v1 = tf.compat.v1
    values = {w.name.split(":")[0]: w.numpy() for w in model.weights}
    with v1.Graph().as_default(), v1.Session() as session:
        variables = {name: v1.Variable(value, name=name) for name, value in values.items()}
        slots = {f"{name}/Adam": v1.Variable(value * 0) for name, value in values.items()}
        session.run(v1.global_variables_initializer())
        v1.train.Saver(variables | slots).save(
            session, str(prefix), write_meta_graph=False, latest_filename="checkpoint"
        )


def old_files() -> dict[str, np.ndarray]:
    """Write the files of the Keras within TensorFlow."""
    given = {}

    def keep(name: str, model: keras.Model, *, fill: bool = True) -> keras.Model:
        if fill:
            filled(model)
        given[name] = model.predict(X, verbose=0)
        model.save(ROOT / name, save_format="tf")
        slim(ROOT / name)
        return model

    plain = [L.Input(SHAPE), L.LSTM(3, return_sequences=True, name="a"), L.LSTM(3, name="b")]
    keep("exchanged", renamed(keras.Sequential([*plain, L.Dense(1)])))
    scaled = L.Normalization()
    scaled.adapt(X * 3 + 5)
    keep("normalised", keras.Sequential([L.Input(SHAPE), scaled, L.LSTM(3)]), fill=False)
    x = L.Input(SHAPE)
    inner = keras.Sequential([L.Input(SHAPE), L.GRU(3, return_sequences=True)], name="encoder")
    both = L.BatchNormalization()(L.Bidirectional(L.LSTM(2, return_sequences=True))(inner(x)))
    keep("nested", keras.Model(x, L.LSTM(2)(L.TimeDistributed(L.Dense(2))(both))))
    entry = L.Input(SHAPE, batch_size=4)
    keep("stateful", keras.Sequential([entry, L.LSTM(3, stateful=True), L.Dense(1)]))
    own = Own()
    own(X)
    keep("own", own)
    model = keep("tf24", keras.Sequential([L.Input(SHAPE), L.SimpleRNN(3), L.Dense(1)]))
    as_tf24(ROOT / "tf24")
    model = filled(keras.Sequential([L.Input(SHAPE), L.LSTM(3), L.Dense(1)], name="m"))
    given["tf115"] = given["cp"] = given["named"] = model.predict(X, verbose=0)
    as_tf115(model, ROOT / "tf115")
    model.save_weights(ROOT / "cp/cp.ckpt")
    (ROOT / "cp.json").write_text(model.to_json())
    (ROOT / "named").mkdir()
    named_checkpoint(model, ROOT / "named/model.ckpt")
    return given


def new_files() -> dict[str, np.ndarray]:
    """Write what Keras 3 exports, and a checkpoint of its model."""
    both = L.Bidirectional(L.GRU(2, return_sequences=True))
    model = filled(keras.Sequential([L.Input(SHAPE), both, L.LSTM(3), L.Dense(1)]))
    model.export(ROOT / "exported", verbose=False)
    slim(ROOT / "exported")
    tf.train.Checkpoint(model=model).write(str(ROOT / "tracked/ck"))
    given = model.predict(X, verbose=0)
    return {"exported": given, "tracked": given}


def main() -> None:
    """Write the files and what the models give."""
    if OLD:
        shutil.rmtree(ROOT, ignore_errors=True)
        ROOT.mkdir(parents=True)
    kept = dict(np.load(ROOT / "given.npz")) if not OLD else {"X": X}
    np.savez_compressed(ROOT / "given.npz", **(kept | (old_files() if OLD else new_files())))
    print(f"{sum(p.stat().st_size for p in ROOT.rglob('*') if p.is_file()):,} bytes in {ROOT.name}")


if __name__ == "__main__":
    main()
