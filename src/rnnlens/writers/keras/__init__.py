"""Writing the ``.keras`` archive of Keras 3."""
