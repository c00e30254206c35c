"""Several model servers as one: replicas of one store, balanced, watched, each proved by itself."""
