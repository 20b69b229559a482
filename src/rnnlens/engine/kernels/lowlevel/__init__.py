"""The one place that knows Numba and llvmlite.

`gate` says whether their internals may be used; `compiling` and `extending` hold the decorators
that the kernels are written with, and `primitives` what loops alone cannot say well: by generated
code (`generated`), or in plain Numba where the internals may not be used (`plain`).
"""
