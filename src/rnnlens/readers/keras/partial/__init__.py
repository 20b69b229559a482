"""What can be read of a model where one of its layers cannot: a part of it, or its arrays."""
