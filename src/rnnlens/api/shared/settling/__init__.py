"""What `rnnlens.fixed_points` is given and asks: the input that is held, forecasts at rest."""
