"""What exists because files lie: zips, HDF5 and its heaps checked before a library does."""
