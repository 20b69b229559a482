"""Words about what is inside a network."""
