"""gRPC's arguments as TensorFlow Serving's flag writes them."""

import pytest

from serving.errors import ChannelArgumentError
from serving.grpc.options import channel_arguments, server_options
from serving.settings import ServeSettings


def test_whole_numbers_are_numbers() -> None:
    text = "grpc.max_concurrent_streams=7,grpc.lb_policy_name=pick_first,grpc.x=-1,grpc.y=1.5,grpc.z=a=b"
    assert channel_arguments(text) == [
        ("grpc.max_concurrent_streams", 7),
        ("grpc.lb_policy_name", "pick_first"),
        ("grpc.x", -1),
        ("grpc.y", "1.5"),
        ("grpc.z", "a=b"),
    ]
    assert channel_arguments("") == []


@pytest.mark.parametrize("text", ["grpc.max_concurrent_streams", "=7", "a=1,b"])
def test_what_is_no_argument(text: str) -> None:
    with pytest.raises(ChannelArgumentError, match="expected k=v,k=v, received"):
        channel_arguments(text)


def test_arguments_given_come_after_ours() -> None:
    settings = ServeSettings(
        grpc_max_receive_message_bytes=10, grpc_channel_arguments="grpc.max_receive_message_length=20"
    )
    options = server_options(settings, max_streams=256)
    lengths = [value for name, value in options if name == "grpc.max_receive_message_length"]
    assert lengths == [10, 20]
