"""Networks and data whose answers are known: what a method says is scored against the truth."""
