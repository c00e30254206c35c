"""The admin API: what operators ask and change while the gateway runs, on a port of its own."""
