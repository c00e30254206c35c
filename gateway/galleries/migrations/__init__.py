"""The steps by which the galleries' database came to be as it is, run by Alembic."""
