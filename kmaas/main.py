"""`kmaas`: the group of verbs. Each verb's module is imported only when it runs, so that help stays fast."""

import sys
from importlib import import_module

import click

from wire.imports import for_good

# what for -> verb -> (module, one line of help)
_SECTIONS = {
    "All at once": {
        "up": ("kmaas.up", "Run the whole stack in front until Ctrl-C."),
        "add": ("kmaas.add", "Fetch, train, export and publish catalogue models."),
        "models": ("kmaas.models", "List the catalogue and the store."),
    },
    "From data to a version": {
        "train": ("kmaas.train", "Train a model; leaves a run folder."),
        "tune": ("kmaas.tune", "Search for a model's best configuration."),
        "evaluate": ("kmaas.evaluate", "Measure a run on held-out data."),
        "export": ("kmaas.export", "Turn a run into a version, ready to publish."),
        "publish": ("kmaas.publish", "Put an exported version into the store."),
    },
    "Which version answers": {
        "promote": ("kmaas.promote", "Give a version a label, if it proves itself."),
        "rollback": ("kmaas.rollback", "Return a label to the version that had it before."),
        "unlabel": ("kmaas.unlabel", "Take a label away from the version that has it."),
        "versions": ("kmaas.versions", "List a model's versions, labels and decisions."),
        "diff": ("kmaas.diff", "Tell how two versions differ."),
        "route": ("kmaas.route", "See and change who answers a model's calls."),
        "card": ("kmaas.card", "Show the model card of a version."),
        "gc": ("kmaas.gc", "Remove old versions that nobody needs."),
    },
    "Servers": {
        "serve": ("kmaas.serve", "Run the embedded model server."),
        "gateway": ("kmaas.gateway", "Run the HTTP gateway."),
    },
}
_VERBS = {verb: told for verbs in _SECTIONS.values() for verb, told in verbs.items()}

# Bases of the errors that say everything in their message; each package's errors.py has one.
_ERROR_BASES = {
    "kmaas.errors": "KmaasError",
    "store.errors": "StoreError",
    "training.errors": "TrainingError",
    "export.errors": "ExportError",
    "serving.errors": "ServingError",
    "models.errors": "ModelsError",
    "gateway.errors": "GatewayError",
    "processing.errors": "ProcessingError",
    "wire.errors": "WireError",
}


class _Verbs(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _VERBS:
            return None
        with for_good():
            command: click.Command = getattr(import_module(_VERBS[name][0]), name)
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _VERBS))  # so that the columns of all sections are one
        for title, verbs in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in verbs.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kmaas")
@click.pass_context
def cli(context: click.Context) -> None:
    """Model-as-a-Service for Keras: train, export, serve, ask."""
    with for_good():  # not above: a gateway worker imports this module, and has no use for it
        from kmaas.config import load_config

    context.obj = load_config()


def main() -> None:
    """Runs a verb. Our own errors end it with their message and exit code 1, without a traceback."""
    try:
        cli()
    except Exception as exc:
        if not isinstance(exc, _expected()):
            raise
        click.secho(f"error: {exc}", fg="red", err=True)
        sys.exit(1)


def _expected() -> tuple[type[Exception], ...]:
    """The error bases of the packages this process has already imported; the others cannot have raised."""
    return tuple(getattr(sys.modules[module], name) for module, name in _ERROR_BASES.items() if module in sys.modules)


if __name__ == "__main__":
    main()
