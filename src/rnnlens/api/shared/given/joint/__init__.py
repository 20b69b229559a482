"""Which inputs are asked about, at once or one with the others held, and their baselines."""
