"""The steps of windows: which axis counts them, and where their number went."""
