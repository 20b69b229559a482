"""Running one network often: what that is called with and gives, and who makes it."""
