"""Models of PyTorch: state dicts, safetensors, live modules."""
