"""Settings of the embedded model server: section `[serve]` of `kmaas.toml`, and the flags of `kmaas serve`.

Where `tensorflow_model_server` has a flag, the setting has its name, unit and meaning. Defaults differ where noted:
we bind to loopback, open REST, retry a failing load sooner and less often, and let more calls in.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=0)]
File = Annotated[Path | None, BeforeValidator(lambda given: None if given == "" else given)]  # "": as if not given

# Flags of TensorFlow Serving that say nothing to a server on CPU, or to this one: taken, with a warning. name -> why
IGNORED_FLAGS = {
    "per_process_gpu_memory_fraction": "there is no GPU memory to share",
    "xla_gpu_compilation_enabled": "there is no GPU",
    "mixed_precision": "the CPU kernels decide",
    "skip_initialize_tpu": "there is no TPU",
    "use_alts_credentials": "ALTS works inside Google's cloud only",
    "enable_profiler": "there is no ProfilerService; py-spy profiles the process from outside",
    "prefer_tflite_model": "a version's verified LiteRT twin is used by itself; see --litert_runtime",
    "num_tflite_pools": "interpreters are pooled per model by themselves",
    "num_tflite_interpreters_per_pool": "interpreters are pooled per model by themselves",
    "flush_filesystem_caches": "the operating system gives its cache back when memory is asked for",
    "remove_unused_fields_from_bundle_metagraph": "only signatures are kept",
    "platform_config_file": "there is one platform, tensorflow",
    "thread_pool_factory_config_file": "threads are set by --tensorflow_intra_op_parallelism and its siblings",
}


class ServeSettings(BaseModel):
    """Frozen; unknown keys are refused. A port of 0 switches that protocol off."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    # Where it listens
    host: str = Field("127.0.0.1", description="Address to bind to.")
    no_auth: bool = Field(False, description="Serve everyone who can connect, on any address.")
    port: Port = Field(8500, description="Port of gRPC; 0 switches it off.")
    grpc_socket_path: str = Field("", description="UNIX socket of gRPC, beside the port or without it.")
    local_socket_path: str = Field("", description="UNIX socket for a gateway on this host, faster than gRPC's.")
    grpc_channel_arguments: str = Field("", description="gRPC server arguments: k=v,k=v with whole numbers as such.")
    grpc_max_threads: Count = Field(
        0, description="Calls in flight, of gRPC and of the local socket; those beyond are refused. 0: 256."
    )
    grpc_max_receive_message_bytes: Annotated[int, Field(ge=-1)] = Field(-1, description="-1: what protobuf allows.")
    grpc_max_send_message_bytes: Annotated[int, Field(ge=-1)] = Field(-1, description="-1: what protobuf allows.")
    enable_grpc_reflection: bool = Field(False, description="Let clients such as grpcurl ask for the services.")
    enable_grpc_healthcheck_service: bool = Field(
        False, description="Also answer health under the bare names of the services, SERVING whatever the models do."
    )
    rest_api_port: Port = Field(8501, description="Port of REST; 0 switches it off.")
    rest_api_num_threads: Count = Field(0, description="Threads of REST. 0: four per core.")
    rest_api_timeout_in_ms: Annotated[int, Field(gt=0)] = Field(30_000, description="Limit of each run for REST.")
    rest_api_enable_cors_support: bool = Field(False, description="Let pages of any origin ask.")
    rest_api_access_log: bool = Field(False, description="One JSON line per REST request on standard output.")
    otlp_endpoint: str = Field("", description="http://host:4317 of an OpenTelemetry collector to trace gRPC calls to.")
    ssl_config_file: File = Field(None, description="Text SSLConfig: TLS for gRPC and REST.")
    monitoring_config_file: File = Field(None, description="Text MonitoringConfig: another path of the metrics.")
    lame_duck_seconds: Annotated[float, Field(ge=0)] = Field(
        0, description="At SIGTERM: answers go on for so long, while probes say not ready."
    )
    drain_seconds: Annotated[float, Field(ge=0)] = Field(10.0, description="For requests in flight at SIGTERM.")

    # What it serves: the store, unless one of these is given
    model_name: str = Field("default", description="Name of the one model at --model_base_path.")
    model_base_path: str = Field("", description="Folder of one model's versions, to serve only that.")
    model_config_file: File = Field(None, description="Text ModelServerConfig: the models to serve.")
    model_config_file_poll_wait_seconds: float = Field(
        0, description="Seconds between two looks at the config file. 0 or negative: read it once."
    )
    file_system_poll_wait_seconds: float = Field(
        1.0, description="Seconds between two looks for versions. 0: look once; negative: never."
    )
    allow_version_labels_for_unavailable_models: bool = Field(
        False, description="A new label may point to a version that has not loaded yet."
    )
    resource_preserving: bool = Field(False, description="Unload the old version before the new one loads.")
    num_load_threads: Count = Field(0, description="Versions that load at a time. 0: four.")
    num_unload_threads: Count = Field(0, description="Versions that unload at a time. 0: as many as there are.")
    max_num_load_retries: int = Field(2, description="Tries more before a version is broken; negative: none.")
    load_retry_interval_micros: int = Field(1_000_000, description="Between two tries; negative: no wait.")
    lazy_loading: bool = Field(False, description="Load a version at its first request.")
    memory_budget_mb: Count = Field(
        0, description="With --lazy_loading: unload the least recently used beyond this. 0: no limit."
    )
    enable_model_warmup: bool = Field(True, description="Replay assets.extra/tf_serving_warmup_requests at load.")
    num_request_iterations_for_warmup: Count = Field(0, description="Times each is replayed. 0: once.")
    saved_model_tags: str = Field("serve", description="Comma list; must be a MetaGraph's tags exactly.")

    # How it runs
    enable_batching: bool = Field(False, description="Batch requests as --batching_parameters_file says.")
    batching_parameters_file: File = Field(None, description="Text BatchingParameters.")
    enable_per_model_batching_parameters: bool = Field(
        False, description="Take them from each version's batching_params.pbtxt; versions without are not batched."
    )
    zero_wait_batching: bool = Field(
        False, description="Batch what has queued, never waiting, for models that a measurement shows to gain."
    )
    enable_serialization_as_tensor_content: bool = Field(
        False, description="Answer numbers as tensor_content to everyone, not only to clients that ask for it."
    )
    enable_signature_method_name_check: bool = Field(
        False, description="Classify and Regress insist on the signature's method_name."
    )
    tensorflow_session_parallelism: Count = Field(0, description="Both of the two below at once.")
    tensorflow_intra_op_parallelism: Count = Field(0, description="Threads of one op. 0: half the cores.")
    tensorflow_inter_op_parallelism: Count = Field(0, description="Ops that run side by side. 0: TensorFlow's choice.")
    tensorflow_session_config_file: File = Field(None, description="Text ConfigProto.")
    xla_cpu_compilation_enabled: bool = Field(False, description="Compile graphs that need XLA.")
    litert_runtime: bool = Field(True, description="Use a version's LiteRT twin where it proves itself.")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """What TensorFlow Serving refuses at start, in its words; beside, what would say nothing."""
        if not (self.port or self.grpc_socket_path or self.local_socket_path or self.rest_api_port):
            raise ValueError(
                "port, grpc_socket_path, local_socket_path and rest_api_port are all off: set one, or nobody can ask"
            )
        if (
            self.tensorflow_session_parallelism
            and self.tensorflow_intra_op_parallelism
            and self.tensorflow_inter_op_parallelism
        ):
            raise ValueError(
                "Either configure server_options.tensorflow_session_parallelism or "
                "(server_options.tensorflow_intra_op_parallelism, server_options.tensorflow_inter_op_parallelism) "
                "separately. You cannot configure all."
            )
        if self.batching_parameters_file is not None and not self.enable_batching:
            raise ValueError(
                "server_options.batching_parameters_file was set without setting server_options.enable_batching to "
                "true."
            )
        if self.enable_per_model_batching_parameters and not self.enable_batching:
            raise ValueError(
                "server_options.enable_per_model_batching_parameters was set without setting "
                "server_options.enable_batching to true."
            )
        if self.memory_budget_mb and not self.lazy_loading:
            raise ValueError("memory_budget_mb was set without lazy_loading, which it limits")
        return self

    @property
    def intra_op_threads(self) -> int:
        return self.tensorflow_intra_op_parallelism or self.tensorflow_session_parallelism

    @property
    def inter_op_threads(self) -> int:
        return self.tensorflow_inter_op_parallelism or self.tensorflow_session_parallelism
