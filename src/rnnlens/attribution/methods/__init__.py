"""The methods: one a file, each with its paper, its cost, and how it fails."""
