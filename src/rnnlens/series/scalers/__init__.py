"""Files that hold a fitted scaler, read to plain numbers; nothing in them is imported or run."""
