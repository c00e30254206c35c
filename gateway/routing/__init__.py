"""Which version answers a call: routes, their choice, shadows and canaries."""
