"""Errors of processing: mostly the input is at fault; the message says what was expected and what was received.

ProcessingError
├── UnreadableInputError    not what it claims to be: truncated, corrupt, of an unknown format
├── TooLargeError           readable, but over a limit
├── DecoderError            nobody's fault who sent it: what decodes it has no room now, or does not start
└── UnusableInputError      readable and within the limits, but without content: a blank picture, an empty text
"""


class ProcessingError(Exception):
    """Base of every error raised by `processing`."""


class UnreadableInputError(ProcessingError):
    pass


class TooLargeError(ProcessingError):
    pass


class DecoderError(ProcessingError):
    pass


class UnusableInputError(ProcessingError):
    pass
