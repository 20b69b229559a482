"""Pickles taken apart: their instructions are read and never followed."""
