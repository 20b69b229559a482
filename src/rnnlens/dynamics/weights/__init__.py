"""What the weights of recurrent layers are as numbers, and what their units do with data."""
