"""ONNX files: the message opened with care, then its graph."""
