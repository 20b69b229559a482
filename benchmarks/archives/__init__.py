"""Archives for the benchmarks of whole archives, and the processes that explain them."""
