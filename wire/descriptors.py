"""The file of descriptors, which `wire.harvest` makes and `wire.messages` reads."""

from pathlib import Path

DESCRIPTORS = Path(__file__).with_name("descriptors.binpb")
