"""The gateway's gRPC face: the Open Inference Protocol and TensorFlow Serving's services, each only translated."""
