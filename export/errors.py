"""Errors of export.

ExportError
└── WeightsStoredTwiceError   the checkpoint holds more numbers than the model has parameters
"""


class ExportError(Exception):
    """Base of every error raised by `export`."""


class WeightsStoredTwiceError(ExportError):
    def __init__(self, stored: int, expected: int) -> None:
        super().__init__(
            f"the checkpoint holds {stored} numbers, expected {expected}: a weight is missing or stored twice"
        )
