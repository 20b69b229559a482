"""What explaining a whole archive takes before its blocks, and after them."""
