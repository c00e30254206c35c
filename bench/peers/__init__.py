"""Other ways to serve a Keras model, each a server as its own documentation builds it: `python -m bench.peers.NAME`.

All but `naive` run in an environment of their own, `requirements/peers.lock`.
"""
