"""Recurrent layers computed on a device of PyTorch, by the same equations, in tensors."""
