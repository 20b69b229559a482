"""What the benchmarks share: threads, networks, measuring and recording."""
