"""TensorFlow Serving's protocol without TensorFlow: messages, methods, numpy <-> TensorProto, a client."""
