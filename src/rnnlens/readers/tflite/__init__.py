"""TensorFlow Lite files: a flat buffer with operators, tensors and their numbers."""
