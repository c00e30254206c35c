"""A gateway that keeps galleries, and what tests ask of it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.processes import Answer, GatewayProcess, ask

JSON = "application/json"


class GalleriesGateway(GatewayProcess):
    """Its galleries are in the folder `state`, if no setting says otherwise."""

    def __init__(self, model_server: str, state: Path, **settings: Any) -> None:
        self.state = state
        super().__init__(model_server, state=state, admin_port=0, **settings)

    def ask(self, method: str, path: str, body: object = None, media_type: str | None = None, **headers: str) -> Answer:
        """`path` behind `/v1/galleries`; a body that is no bytes goes as JSON."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = media_type or (None if isinstance(content, bytes) and isinstance(body, bytes) else JSON)
        sent = {**({"Content-Type": kind} if kind and content is not None else {}), **headers}
        return ask(f"{self.url}/v1/galleries{path}", content, sent, method)

    def create(self, name: str, model: str = "hues", **more: Any) -> str:
        """The path of a new gallery."""
        answer = self.ask("POST", "", {"name": name, "model": model, **more})
        assert answer.status == 201, answer.body
        return f"/{name}"

    def keep(self, gallery: str, picture: str, body: bytes, query: str = "") -> Answer:
        return self.ask("PUT", f"{gallery}/pictures/{quote(picture, safe='')}{query}", body)

    def search(self, gallery: str, body: object, query: str = "") -> list[Any]:
        answer = self.ask("POST", f"{gallery}/search{query}", body)
        assert answer.status == 200, answer.body
        matches: list[Any] = answer.json()["matches"]
        return matches
