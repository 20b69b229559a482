"""The parts of the table of evidence on lags."""
