"""Sentences about what is inside a network."""
