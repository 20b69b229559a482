"""Running the canonical network: forward, traced, and backward."""
