"""The same primitives in plain Numba: slower, and the same to rounding."""
