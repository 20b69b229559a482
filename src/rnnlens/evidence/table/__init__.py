"""All evidence on each lag, each feature, or each feature at each lag, in one table."""
