"""How a model gets weights: data, fit, evaluate, run folders, presets."""
