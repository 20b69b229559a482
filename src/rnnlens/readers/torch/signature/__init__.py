"""How modules of PyTorch are called: what they take, in what, and what they keep between calls."""
