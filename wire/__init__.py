"""Protocols without TensorFlow: TensorFlow Serving's and the Open Inference Protocol's messages, a client."""
