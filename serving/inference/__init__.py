"""What one request does with a version it holds, one file per RPC."""
