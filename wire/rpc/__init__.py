"""What the gRPC servers of kmaas share: threads that cannot all be held, options, how a call ends."""
