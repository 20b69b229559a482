"""How long a network remembers, and what it settles to."""
