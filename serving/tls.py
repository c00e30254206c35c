"""TLS of both faces, from the text `SSLConfig` of `--ssl_config_file`: the certificates are PEM text, not paths."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import grpc

from serving.errors import ConfigFileError
from serving.text_proto import read_text_proto
from wire import messages


@dataclass(frozen=True, repr=False)
class Tls:
    """The server's key and certificate; with `client_verify` also whose client certificates it accepts."""

    context: ssl.SSLContext  # of HTTP/1.1
    credentials: grpc.ServerCredentials

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `ConfigFileError` when the file cannot be read, or its certificates do not fit together."""
        config = read_text_proto(path, messages.SSLConfig)
        try:
            context = _context(config)
        except ValueError as exc:
            raise ConfigFileError(path, "tensorflow.serving.SSLConfig", str(exc)) from exc
        credentials = grpc.ssl_server_credentials(
            [(config.server_key.encode(), config.server_cert.encode())],
            root_certificates=config.custom_ca.encode() or None,
            require_client_auth=config.client_verify,
        )
        return cls(context, credentials)


def _context(config: Any) -> ssl.SSLContext:
    """Raises `ValueError` with what is wrong."""
    if not (config.server_key and config.server_cert):
        raise ValueError("server_key and server_cert are both needed, as PEM text")
    if config.client_verify and not config.custom_ca:
        raise ValueError("client_verify needs custom_ca, the PEM text of who signs the clients' certificates")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    _load_chain(context, config.server_key, config.server_cert)
    if config.custom_ca:
        try:
            context.load_verify_locations(cadata=config.custom_ca)
        except ssl.SSLError as exc:
            raise ValueError(f"custom_ca is no certificate in PEM text: {exc}") from exc
    if config.client_verify:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _load_chain(context: ssl.SSLContext, key: str, certificate: str) -> None:
    with TemporaryDirectory() as folder:  # nobody else may read it; OpenSSL takes these two from files only
        key_file, certificate_file = Path(folder) / "key.pem", Path(folder) / "cert.pem"
        key_file.write_text(key)
        certificate_file.write_text(certificate)
        try:
            context.load_cert_chain(certificate_file, key_file, password="")
        except (ssl.SSLError, ValueError) as exc:
            reason = f"server_key and server_cert are no key and its certificate in PEM text: {exc}"
            raise ValueError(reason) from exc
