"""What happened inside a cell: gate effects, paths through gates, and how a state is read."""
