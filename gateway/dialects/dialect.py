"""What a dialect is: routes, their description, and the words in which it refuses."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response

from gateway.openapi import Description
from gateway.parts import Parts
from gateway.refusals import Refusal


@dataclass(frozen=True)
class Dialect:
    """One family of client API. It only translates: all meaning is in the pipeline and its tasks.

    `routes` adds them to a blueprint of the dialect's name. `refuse` words every error of a request to these routes,
    and of one to a path that begins with one of `prefixes` and leads nowhere.
    """

    name: str
    routes: Callable[[Blueprint, Parts], None]
    describe: Callable[[], Description]
    refuse: Callable[[Refusal], Response]
    prefixes: tuple[str, ...] = ()
