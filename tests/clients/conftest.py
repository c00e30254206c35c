"""Clients are tested against the same small models and gateway as the gateway itself."""

from tests.gateway.conftest import exports, gateway, model_server, shelf, text_server, texts

__all__ = ["exports", "gateway", "model_server", "shelf", "text_server", "texts"]
