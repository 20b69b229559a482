"""Archives of series that are read some rows at a time: Zarr, netCDF, Parquet."""
