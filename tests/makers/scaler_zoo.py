"""Fitted scalers of scikit-learn, of every class that is understood, and files of them.

Run by an environment with an old scikit-learn this writes what the tests read with a new one::

    python3.8 -m venv old && old/bin/pip install scikit-learn==0.24.2 "pandas<1.3"
    old/bin/python tests/makers/scaler_zoo.py tests/series/scalers/scikit-learn-0.24.tar.xz

so it is written for Python 3.8 and scikit-learn 0.24 too.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import tarfile

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from scaler_numbers import COLUMNS, measurements

__all__ = ["dumps_by_joblib", "fitted", "measurements", "table"]

COMPRESSIONS = ("zlib", "gzip", "bz2", "lzma", "xz")


def table():
    """The same numbers with names of columns."""
    return pd.DataFrame(measurements(), columns=COLUMNS)


def _unfitted():
    yield "standard", StandardScaler()
    yield "standard without mean", StandardScaler(with_mean=False)
    yield "standard without deviation", StandardScaler(with_std=False)
    yield "min-max", MinMaxScaler()
    yield "min-max to -1 and 3, clipped", MinMaxScaler(feature_range=(-1, 3), clip=True)
    yield "robust", RobustScaler()
    yield "robust without centre", RobustScaler(with_centering=False, unit_variance=True)
    yield "robust without scale", RobustScaler(with_scaling=False)
    yield "max-abs", MaxAbsScaler()
    yield "power", PowerTransformer()
    yield "power of Box and Cox", PowerTransformer(method="box-cox", standardize=False)
    for name, function in (("log1p", np.log1p), ("log", np.log), ("sqrt", np.sqrt), ("none", None)):
        steps = [("first", FunctionTransformer(function)), ("then", MinMaxScaler())]
        yield f"{name}, then min-max", Pipeline(steps)
    steps = [("as it is", "passthrough"), ("one", StandardScaler()), ("two", MinMaxScaler())]
    yield "standard, then min-max", Pipeline(steps)
    parts = [
        ("one", RobustScaler(), [2]),
        ("two", Pipeline([("log", FunctionTransformer(np.log1p)), ("s", StandardScaler())]), [0]),
    ]
    yield "columns by number", ColumnTransformer(parts, remainder="passthrough")
    parts = [("one", MinMaxScaler(), slice(1, 3)), ("none", "drop", [0])]
    yield "columns by slice", ColumnTransformer(parts)


def fitted():
    """Each scaler by a name, fitted on an array and, as ``named``, on a table with column names.

    With it stands the order in which it gives the columns.
    """
    X = measurements()
    orders = {"columns by number": [2, 0, 1], "columns by slice": [1, 2]}
    for name, scaler in _unfitted():
        yield name, scaler.fit(X), orders.get(name, [0, 1, 2])
    named = table()
    yield "standard, named", StandardScaler().fit(named), [0, 1, 2]
    parts = [("one", StandardScaler(), ["flow", "temp"])]
    columns = ColumnTransformer(parts, remainder=MaxAbsScaler()).fit(named)
    yield "columns, named", columns, [2, 0, 1]


def dumps_by_joblib(scaler, protocol=None):
    """Each way in which joblib writes a scaler, by the name of its compression."""
    for compression in (0, *((name, 3) for name in COMPRESSIONS)):
        file = io.BytesIO()
        joblib.dump(scaler, file, compress=compression, protocol=protocol)
        yield compression[0] if compression else "plain", file.getvalue()


def main(out):
    """Write every scaler at every protocol and with every compression, and what each gives."""
    try:
        from skops import io as skops
    except ImportError:
        skops = None  # there is none for the oldest versions
    wanted = {}
    with tarfile.open(out, "w:xz") as archive:

        def add(name, data):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

        for name, scaler, order in fitted():
            given = scaler.transform(table() if "named" in name else measurements())
            wanted[name] = {"order": order, "rows": np.asarray(given)[:4].tolist()}
            for protocol in range(6):
                add(f"{name}/pickle {protocol}", pickle.dumps(scaler, protocol))
            for compression, data in dumps_by_joblib(scaler):
                add(f"{name}/joblib {compression}", data)
            if skops is not None:
                add(f"{name}/skops", skops.dumps(scaler))
        add("wanted.json", json.dumps(wanted).encode())


if __name__ == "__main__":
    main(sys.argv[1])
