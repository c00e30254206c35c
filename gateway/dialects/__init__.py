"""Families of client API; each only translates."""
