"""Signatures of a language model that remember: keys and values of earlier tokens stay on the model server."""
