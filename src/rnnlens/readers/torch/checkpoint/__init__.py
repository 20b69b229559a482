"""Files of ``torch.save`` and ``torch.jit.save``, taken apart without PyTorch and run by nobody."""
