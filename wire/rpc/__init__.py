"""What the gRPC servers of kmaas share: threads that cannot all be held, how a call ends, health, reflection."""
