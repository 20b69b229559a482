"""Programs of ``torch.export``, live and in files: steps are read, no code of theirs is run."""
