"""Flask on gunicorn: `Model.predict` in each request: `python -m bench.peers.flask_keras FOLDER PORT`.

One process with eight threads, which is what gunicorn's documentation advises for a model that fills the memory.
"""

import sys
from pathlib import Path

from flask import Flask, Response, request
from gunicorn.app.base import BaseApplication

from bench.peers.keras_model import KerasModel


def create_app(model: KerasModel) -> Flask:
    app = Flask(__name__)

    @app.post("/predict")
    def predict() -> Response:
        body = request.get_data()
        return Response(model.write(model.predict(model.read(body)), body), mimetype="application/octet-stream")

    return app


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # its package has no types
    """The application is made in the worker: TensorFlow does not survive a fork."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        settings = {"bind": f"127.0.0.1:{self._port}", "worker_class": "gthread", "threads": 8, "timeout": 120}
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(KerasModel(self._folder))


if __name__ == "__main__":
    _Gunicorn(Path(sys.argv[1]), int(sys.argv[2])).run()
