"""Results as tables, for the terminal and as plain rows."""
