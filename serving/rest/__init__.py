"""The REST face: HTTP around the dataplane and the control plane."""
