"""Keras's layers: options, activations, and one builder a class."""
