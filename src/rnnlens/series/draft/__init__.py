"""A first sidecar for a network and a table: what content says, and guesses to be checked."""
