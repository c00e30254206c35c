"""Settings of the embedded model server, section `[serve]` of `kmaas.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=0, le=65535)]


class ServeSettings(BaseModel):
    """Frozen; unknown keys are refused. A port of 0 switches that protocol off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    grpc_port: Port = 8500
    rest_port: Port = 8501
    no_auth: bool = False
    poll_interval_s: Annotated[float, Field(gt=0)] = 1.0
    grpc_threads: Annotated[int, Field(ge=1)] = 16
    grpc_max_calls: Annotated[int, Field(ge=1)] = 80
    """Running or waiting for one of the threads; a call beyond is RESOURCE_EXHAUSTED. Calls to the health service count
    too, so it is to be well above the threads."""
    rest_threads: Annotated[int, Field(ge=1)] = 8
    rest_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    drain_s: Annotated[float, Field(ge=0)] = 10.0
    load_retries: Annotated[int, Field(ge=0)] = 2
    load_retry_interval_s: Annotated[float, Field(ge=0)] = 1.0
    intra_op_threads: Annotated[int, Field(ge=0)] = 0
    inter_op_threads: Annotated[int, Field(ge=0)] = 0
