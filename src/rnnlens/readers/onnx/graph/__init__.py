"""From an ONNX graph to the canonical network, operator by operator."""
