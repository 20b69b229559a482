"""Networks that carry their state from call to call, made networks over a series of calls."""
