"""faster-whisper behind Python's own HTTP server: `python -m bench.peers.http_faster_whisper FOLDER COMPUTE_TYPE PORT`.

It is asked greedily and without times, as `kmaas` is, with a thread for each core. Windows know nothing of each other.
"""

import io
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from faster_whisper import WhisperModel


def serve(folder: str, compute_type: str, port: int) -> None:
    """A recording in, `{"text"}` out, one after another, until the process is ended."""
    threads = len(os.sched_getaffinity(0))
    model = WhisperModel(folder, device="cpu", compute_type=compute_type, cpu_threads=threads)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            recording = self.rfile.read(int(self.headers["Content-Length"]))
            said, _ = model.transcribe(
                io.BytesIO(recording),
                language="en",
                beam_size=1,
                without_timestamps=True,
                condition_on_previous_text=False,
            )
            answer = json.dumps({"text": "".join(piece.text for piece in said)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
