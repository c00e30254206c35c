"""The signature `raw`: what a client has at hand, turned into the model's input inside the graph."""
