"""Compiling kernels ahead, in several processes where the machine has cores for them."""
