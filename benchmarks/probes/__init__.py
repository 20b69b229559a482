"""Benchmarks of what is read off the states of cells."""
