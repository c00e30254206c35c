"""Errors of processing: the input is at fault, and the message says what was expected and what was received.

ProcessingError
├── UnreadableInputError    not what it claims to be: truncated, corrupt, of an unknown format
├── TooLargeError           readable, but over a limit
└── UnusableInputError      readable and within the limits, but without content: a blank picture, an empty text
"""


class ProcessingError(Exception):
    """Base of every error raised by `processing`."""


class UnreadableInputError(ProcessingError):
    pass


class TooLargeError(ProcessingError):
    pass


class UnusableInputError(ProcessingError):
    pass
