"""The same calls between two processes of one host: over a UNIX socket, without HTTP/2."""
