"""Layers of Keras that are several layers here: stacks of cells, attention, products."""
