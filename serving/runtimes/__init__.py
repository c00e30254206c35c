"""What executes a version, one file per format."""
