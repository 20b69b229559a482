"""What keeps a result sound: what was laid out, what a killed process left, and how it is ended."""
