"""Tables of what went on inside a network."""
