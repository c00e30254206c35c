"""A gateway with its admin API, for tests that change routes."""

import json
from pathlib import Path
from typing import Any

from bench.stack import free_port
from tests.support.processes import Answer, GatewayProcess, ask, until


class RoutedGateway(GatewayProcess):
    """Its admin API is on a free port, its state in `state`."""

    def __init__(self, model_server: str, state: Path, **settings: Any) -> None:
        self.state = state
        port = free_port()
        self.admin = f"http://127.0.0.1:{port}"
        super().__init__(model_server, state=state, admin_port=port, **settings)
        until(self.administered, "the admin API answers")

    def administered(self) -> bool:
        try:
            return self.ask("GET", "/healthz").status in {200, 401}
        except OSError:
            return False

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return ask(self.admin + path, content, headers, method)

    def route(self, model: str, **route: Any) -> Any:
        """Gives the model a route; the document of it."""
        answer = self.ask("PUT", f"/routes/{model}", route)
        assert answer.status == 200, answer.body
        return answer.json()

    def shown(self, model: str) -> Any:
        answer = self.ask("GET", f"/routes/{model}")
        assert answer.status == 200, answer.body
        return answer.json()

    @property
    def audit(self) -> list[Any]:
        path = self.state / "routes.audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def counted(self, name: str, **labels: str) -> float:
        """The value of a counter in `/metrics`."""
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        lines = [line for line in self.get("/metrics").body.decode().splitlines() if line.startswith(f"{name}_total{{")]
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if wanted <= set(line.split("{")[1].split("}")[0].split(","))
        )
