"""How much is done at once, by how many threads, and which layers are gone through together."""
