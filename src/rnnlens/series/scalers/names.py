"""The names that a pickled scaler holds; any other is refused where it stands."""

from __future__ import annotations

from rnnlens.series.scalers.inert import Global, Refused

__all__ = ["CODEC", "CURVES", "WRAPPER", "admitted", "is_estimator"]

#: What stands before the numbers of an array in a file of joblib.
WRAPPER = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
#: How protocols 0 to 2 spell bytes: ``_codecs.encode(text, "latin1")``.
CODEC = Global("_codecs", "encode")

#: Modules that were called otherwise once.
MOVED = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
    "sklearn.externals.joblib.numpy_pickle": "joblib.numpy_pickle",
}
#: Curves that a FunctionTransformer may hold: functions of NumPy, in whichever of its modules.
CURVES = frozenset({"exp", "expm1", "log", "log1p", "sqrt", "square"})
#: Types that a field of an estimator may name.
TYPES = ("bool", "bytearray", "bytes", "float", "frozenset", "int", "object", "set", "slice", "str")
NUMBER_TYPES = ("float32", "float64", "int32", "int64", "int8", "uint8")
ADMITTED = frozenset({
    WRAPPER,
    CODEC,
    Global("copyreg", "_reconstructor"),
    Global("collections", "OrderedDict"),
    Global("collections", "defaultdict"),
    Global("numpy", "ndarray"),
    Global("numpy", "dtype"),
    Global("numpy.core", "_ufunc_reconstruct"),
    Global("numpy.core.multiarray", "_reconstruct"),
    Global("numpy.core.multiarray", "scalar"),
    Global("numpy.core.numeric", "_frombuffer"),
    # the columns that a ColumnTransformer of scikit-learn before 1.0 saw
    Global("pandas.core.indexes.base", "Index"),
    Global("pandas.core.indexes.base", "_new_Index"),
    *(Global("builtins", name) for name in TYPES),
    *(Global("numpy", name) for name in NUMBER_TYPES),
})


def admitted(module: str, name: str) -> Global:
    """Give the marker of a name, or refuse it."""
    marker = Global(MOVED.get(module, module), name)
    of_numpy = module == "numpy" or module.startswith(("numpy.core.", "numpy._core."))
    if marker in ADMITTED or is_estimator(marker):
        return marker
    if of_numpy and name in CURVES:
        return Global("numpy", name)
    raise Refused(
        f"it names {marker.path}, which is no part of a scaler, and rnnlens neither imports nor "
        "calls what a file names"
    )


def is_estimator(marker: Global) -> bool:
    """Tell a class of scikit-learn; whether it is one that is understood is asked later."""
    return marker.module.startswith("sklearn.") and marker.name.isidentifier()
