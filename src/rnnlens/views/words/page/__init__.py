"""What the page says: its answers in plain words, and the sentences around its figures."""
