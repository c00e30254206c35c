"""Text token by token: what comes next, which token is taken, what may be shown of it, and when it ends."""
