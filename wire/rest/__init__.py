"""The bodies of TensorFlow Serving's REST interface: JSON to tensors and examples, and answers to JSON."""
