"""A run becomes a version: signatures, goldens, manifest, publish."""
