"""What leans on the inside of Numba and llvmlite: compiling, registers, prefetching."""
