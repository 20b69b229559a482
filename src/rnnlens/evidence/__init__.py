"""How far back a network looks: proofs, bounds and tests, lag by lag."""
