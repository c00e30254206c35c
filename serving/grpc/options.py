"""gRPC's server arguments, from the settings."""

from serving.errors import ChannelArgumentError
from serving.settings import ServeSettings
from wire.rpc import options
from wire.rpc.options import Option


def server_options(settings: ServeSettings, *, max_streams: int) -> list[Option]:
    """What `grpc.server` takes; arguments of `grpc_channel_arguments` come last, and so have the last word.

    `max_streams` calls may be under way on one connection; a client keeps those beyond until one has ended.

    Raises:
        ChannelArgumentError: one of them is no `k=v`.
    """
    ours = options.server_options(
        receive_bytes=settings.grpc_max_receive_message_bytes,
        send_bytes=settings.grpc_max_send_message_bytes,
        max_streams=max_streams,
    )
    return [*ours, *channel_arguments(settings.grpc_channel_arguments)]


def channel_arguments(text: str) -> list[Option]:
    """`k=v,k=v` as pairs; whole numbers become numbers, as in TensorFlow Serving."""
    pairs: list[Option] = []
    for argument in filter(None, text.split(",")):
        key, equals, value = argument.partition("=")
        if not (key and equals):
            raise ChannelArgumentError(argument)
        digits = value.removeprefix("-")
        pairs.append((key, int(value) if digits.isascii() and digits.isdigit() else value))
    return pairs
