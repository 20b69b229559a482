"""Games of coalitions: players, orders, tables, exact sums, and sampled ones within a budget."""
