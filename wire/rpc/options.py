"""gRPC's server arguments."""

Option = tuple[str, int | str]

# A client that vanished without a word would hold its call's thread for ever.
_KEEPALIVE = (("grpc.keepalive_time_ms", 60_000), ("grpc.keepalive_timeout_ms", 20_000))


def server_options(
    *, receive_bytes: int, send_bytes: int = -1, max_streams: int, shared_port: bool = False
) -> list[Option]:
    """What `grpc.server` takes; -1 is no limit. Without `shared_port` a second server cannot take half of the calls.

    `max_streams` calls may be under way on one connection; a client keeps those beyond until one has ended.
    """
    return [
        ("grpc.max_receive_message_length", receive_bytes),
        ("grpc.max_send_message_length", send_bytes),
        ("grpc.so_reuseport", int(shared_port)),
        ("grpc.max_concurrent_streams", max_streams),
        *_KEEPALIVE,
    ]
