"""Settings of the gateway, section `[gateway]` of `kmaas.toml`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gateway.errors import Fault
from gateway.galleries.settings import GallerySettings
from gateway.loopback import is_loopback
from gateway.routing.route import Positive, Route, misfits
from wire.cores import usable_cores

_MOST_WORKERS = 8  # by default: each takes 100 MB
_DATABASE = re.compile(r"(sqlite:///.+|postgresql://.+)")
_ADDRESS = re.compile(r"(dns:///)?([\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}|local:/.+")


def _addresses(given: str | tuple[str, ...]) -> str | tuple[str, ...]:
    wrong = [address for address in ([given] if isinstance(given, str) else given) if not _ADDRESS.fullmatch(address)]
    if wrong or not given:
        what = f"{wrong[0]!r} is no address" if wrong else "there is no address"
        raise PydanticCustomError("address", f"{what}; expected host:port, dns:///name:port, local:/path, or a list")
    return given


def _database(given: SecretStr) -> SecretStr:
    """Its password stands in it: what is wrong is told without it."""
    if not _DATABASE.fullmatch(given.get_secret_value()):
        raise PydanticCustomError("database", "expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE")
    return given


class Limits(BaseModel):
    """What one request may bring. Over a limit the answer is 413 with the limit in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: Positive = 16 * 2**20
    image_pixels: Positive = 25_000_000  # of all pictures together: two of a telephone, to be compared
    text_chars: Positive = 100_000
    audio_seconds: Positive = 600
    items: Positive = 64


class GatewaySettings(BaseModel):
    """Frozen; unknown keys are refused.

    `grpc_port` is that of gRPC, 0 for none.

    `model_server` is an address, or several of replicas of one store; `dns:///name:port` stands for all addresses of a
    name, `local:/path` for the socket of a server on this host. `retry_percent` of the requests may go to a second
    server after the first failed; one that has no answer for `hedge_after_ms` goes to a second as well, within the same
    share.

    `models` names what the model server serves, for servers that cannot list it themselves (a stock TensorFlow
    Serving); empty means: ask the server. Of a model with the label `label` the version that has it answers, of others
    the newest; with an empty `label` always the newest. `requests` to models are let in at once, further ones are
    answered 503; `threads` of them are worked on at once, the others send their bodies or wait for their turn. Texts
    that are generated, streamed or not, are beside these: `streams` of them at once, each for `generation_s` at most,
    with `deadline_s` for each step; of the steps `steps` at once, of short ones fewer, and after the requests. A stream
    that has nothing to say for `heartbeat_s` says that it lives. Recordings that are written down are among these: as
    many are read at once, and all together take `recording_bytes` at most. All that is each of the `workers`, processes
    that share the port: one for each core, 8 at most, unless the setting says how many. A body must arrive within
    `deadline_s`; one that does not keeps a connection, and that is cut when nothing was answered on it for `silence_s`.
    `cors_origins` are the origins whose pages browsers let read answers, as `https://example.com`. With an
    `otlp_endpoint`, as `http://host:4317`, every request is traced there.

    `database` keeps the `galleries`: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`, or else a file in
    the folder `state`.

    `routes` say by model who answers; what the admin API changes of them is kept in the folder `state`. That API is at
    `admin_host` and `admin_port`, 0 means none; callers need the `admin_token` if there is one. `shadow_threads` copy
    requests to shadows; `shadow_requests` wait for them, of at most `shadow_bytes` together, and no more. Of what
    routes capture of a model `capture_bytes` are kept, each call for `capture_days` at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    grpc_port: Annotated[int, Field(ge=0, le=65535)] = 8081
    no_auth: bool = False
    model_server: Annotated[str | tuple[str, ...], AfterValidator(_addresses)] = "127.0.0.1:8500"
    retry_percent: Annotated[float, Field(ge=0, le=100)] = 20.0
    hedge_after_ms: Annotated[float, Field(gt=0)] | None = None
    models: tuple[str, ...] = ()
    label: Annotated[str, Field(pattern=r"^([a-z][a-z0-9._-]{0,63})?$")] = "stable"
    deadline_s: Annotated[float, Field(gt=0)] = 10.0
    refresh_interval_s: Annotated[float, Field(gt=0)] = 0.5
    silence_s: Annotated[float, Field(gt=0)] = 150.0  # more than any answer takes
    cors_origins: tuple[Annotated[str, Field(pattern=r"^https?://[a-z0-9.:\[\]-]+$")], ...] = ()
    requests: Positive = 128
    threads: Positive = 16
    streams: Positive = 256
    steps: Positive = 4
    generation_s: Annotated[float, Field(gt=0)] = 120.0
    recording_bytes: Positive = 512 * 2**20  # a minute takes 4 MB
    heartbeat_s: Annotated[float, Field(gt=0)] = 10.0
    workers: Positive = Field(default_factory=lambda: min(usable_cores(), _MOST_WORKERS))
    access_log: bool = True
    otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    limits: Limits = Limits()
    routes: Mapping[str, Route] = Field(default_factory=dict)
    state: Path = Path("var/state")
    database: Annotated[SecretStr, AfterValidator(_database)] | None = None
    galleries: GallerySettings = GallerySettings()
    admin_host: str = "127.0.0.1"
    admin_port: Annotated[int, Field(ge=0, le=65535)] = 8082
    admin_token: Annotated[SecretStr, Field(min_length=1)] | None = None
    shadow_threads: Positive = 2
    shadow_requests: Positive = 64
    shadow_bytes: Positive = 64 * 2**20
    capture_bytes: Annotated[int, Field(ge=2**16)] = 256 * 2**20
    capture_days: Annotated[float, Field(gt=0, le=3650)] = 30.0

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """The admin API is nobody's but the operator's, and routes fit the gateway."""
        if self.admin_port and self.admin_token is None and not is_loopback(self.admin_host):
            raise ValueError(
                f"admin_host {self.admin_host!r} can be reached from other machines: set an admin_token, bind to "
                "127.0.0.1, or switch the admin API off with admin_port 0"
            )
        ports = [port for port in (self.port, self.grpc_port, self.admin_port) if port]
        if len(set(ports)) < len(ports):
            raise ValueError("port, grpc_port and admin_port need ports of their own")
        faults = [
            f"routes.{model}.{fault.field}: {fault.message}"
            for model, route in self.routes.items()
            for fault in self.misfits(model, route)
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def model_servers(self) -> tuple[str, ...]:
        return (self.model_server,) if isinstance(self.model_server, str) else self.model_server

    def misfits(self, model: str, route: Route) -> list[Fault]:
        """What of a route does not fit this gateway."""
        return misfits(model, route, self.deadline_s, self.limits.model_dump())
