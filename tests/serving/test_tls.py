"""TLS of both faces, with certificates of a small authority: who is let in, who is not, and files that are wrong."""

import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from serving.errors import ConfigFileError
from serving.tls import Tls
from tests.serving.conftest import Serve, Served
from wire import messages
from wire.methods import LIST_MODELS

AUTHORITY, STRANGER = trustme.CA(), trustme.CA()
SERVER, OTHER = AUTHORITY.issue_cert("localhost"), AUTHORITY.issue_cert("localhost")
CLIENT, IMPOSTOR = AUTHORITY.issue_cert("client.example"), STRANGER.issue_cert("client.example")


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def key(certificate: trustme.LeafCert) -> str:
    return certificate.private_key_pem.bytes().decode()


def chain(certificate: trustme.LeafCert) -> str:
    return "".join(blob.bytes().decode() for blob in certificate.cert_chain_pems)


def config(folder: Path, **fields: Any) -> Path:
    complete = {"server_key": key(SERVER), "server_cert": chain(SERVER), **fields}
    file = folder / "ssl.config"
    file.write_text(str(messages.SSLConfig(**complete)))
    return file


def by_grpc(served: Served, authority: trustme.CA | None, client: trustme.LeafCert | None = None) -> grpc.StatusCode:
    address = f"localhost:{served.settings.port}"
    if authority is None:
        channel = grpc.insecure_channel(address)
    else:
        own = {"private_key": key(client).encode(), "certificate_chain": chain(client).encode()} if client else {}
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(pem(authority).encode(), **own))
    with channel:
        ask: Any = channel.unary_unary(LIST_MODELS.path)
        try:
            ask(b"", timeout=30)
        except grpc.RpcError as exc:
            return exc.code()
    return grpc.StatusCode.OK


def by_rest(served: Served, authority: trustme.CA, client: trustme.LeafCert | None = None) -> int:
    context = ssl.create_default_context(cadata=pem(authority))
    if client:
        client.configure_cert(context)
    url = f"https://localhost:{served.settings.rest_api_port}/livez"
    with urllib.request.urlopen(url, timeout=30, context=context) as answer:
        return int(answer.status)


REFUSED = (urllib.error.URLError, OSError)


def test_the_server_proves_itself_to_clients_that_know_its_authority(serve: Serve, tmp_path: Path) -> None:
    served = serve(ssl_config_file=config(tmp_path))
    assert by_grpc(served, AUTHORITY) is grpc.StatusCode.OK
    assert by_grpc(served, STRANGER) is grpc.StatusCode.UNAVAILABLE
    assert by_grpc(served, None) is grpc.StatusCode.UNAVAILABLE
    assert by_rest(served, AUTHORITY) == 200
    with pytest.raises(REFUSED, match="certificate verify failed"):
        by_rest(served, STRANGER)
    with pytest.raises(REFUSED):
        urllib.request.urlopen(f"http://localhost:{served.settings.rest_api_port}/livez", timeout=30)


def test_clients_prove_themselves_when_they_must(serve: Serve, tmp_path: Path) -> None:
    served = serve(ssl_config_file=config(tmp_path, client_verify=True, custom_ca=pem(AUTHORITY)))
    assert by_grpc(served, AUTHORITY, CLIENT) is grpc.StatusCode.OK
    assert by_rest(served, AUTHORITY, CLIENT) == 200
    for client in (None, IMPOSTOR):
        assert by_grpc(served, AUTHORITY, client) is grpc.StatusCode.UNAVAILABLE
        with pytest.raises(REFUSED):
            by_rest(served, AUTHORITY, client)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"server_key": ""}, "server_key and server_cert are both needed"),
        ({"server_cert": ""}, "server_key and server_cert are both needed"),
        ({"server_key": key(OTHER)}, "no key and its certificate in PEM text: .*KEY_VALUES_MISMATCH"),
        ({"server_key": "/etc/key.pem"}, "no key and its certificate in PEM text"),
        ({"client_verify": True}, "client_verify needs custom_ca"),
        ({"custom_ca": "nonsense"}, "custom_ca is no certificate in PEM text"),
    ],
)
def test_certificates_that_do_not_fit_are_named(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    file = config(tmp_path, **fields)
    with pytest.raises(ConfigFileError, match=f"'{file}'.*{words}") as caught:
        Tls.read(file)
    assert "PRIVATE KEY" not in str(caught.value)


@pytest.mark.parametrize("text", ["server_key:", "unknown: 1", None])
def test_a_file_that_is_no_config_is_named(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "ssl.config"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigFileError, match=f"'{file}': expected a text tensorflow.serving.SSLConfig"):
        Tls.read(file)
