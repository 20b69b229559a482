"""How long a forecast remembers: one measure a file, all on one axis of lags."""
