"""The Flask application in front of model servers. Never TensorFlow, never Keras."""
