"""What can be trained: specifications, one table of them, one Keras architecture per file."""
