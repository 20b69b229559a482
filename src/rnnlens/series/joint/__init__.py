"""Networks of several inputs: what the sidecar says of each, and their windows side by side."""
