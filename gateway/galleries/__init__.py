"""Galleries: vectors of pictures, and of people's faces, kept in a database and searched."""
