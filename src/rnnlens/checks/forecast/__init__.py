"""Whether a forecast is one: its error beside simple references, and what would fit better."""
