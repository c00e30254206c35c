"""The Open Inference Protocol v2: its data types, tensors and bodies, for both of its faces, REST and gRPC."""
