"""Tables of what is inside a network."""
