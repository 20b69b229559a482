"""What each layer computes, and how multipliers pass back through it, one family a file."""
