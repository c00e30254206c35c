"""Which versions are served: configured, found, loaded, held by requests, unloaded."""
