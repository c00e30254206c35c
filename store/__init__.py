"""The artefact contract: what a version of a model is on disk. No TensorFlow."""
