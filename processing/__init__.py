"""Bytes and text <-> tensors, one definition for training and for the gateway. No TensorFlow."""
