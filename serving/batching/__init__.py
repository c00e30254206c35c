"""Calls that arrive together run together: queues, padding, and the `Batched` runtime around any other."""
