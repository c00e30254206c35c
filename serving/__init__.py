"""The embedded model server: executes SavedModels, speaks TensorFlow Serving's protocol."""
