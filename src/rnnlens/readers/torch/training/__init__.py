"""Modules of PyTorch while they are trained."""
