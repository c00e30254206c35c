"""The gRPC face: TensorFlow Serving's services, our catalogue, health, reflection."""
