"""Primitives as code that is generated for LLVM."""
