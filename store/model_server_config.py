"""The `ModelServerConfig` text file that lets a stock TensorFlow Serving serve a whole store."""

import re
from collections.abc import Collection, Mapping

from store.errors import ManifestError
from store.labels import Labels
from store.layout import Store

CONFIG_FILE = "models.config"
CONTAINER_MOUNT = "/models"  # where docker-compose.yml mounts the store

_ENTRY = re.compile(r'  config \{ name: "([^"]+)" ')


def config_of_store(
    store: Store, *, coming: tuple[str, int] | None = None, changed: Mapping[str, Labels] | None = None
) -> bytes:
    """The file for the store as it will be: with the version `coming` and the labels `changed`.

    A model whose labels cannot be read keeps the entry that it has.

    Raises:
        ManifestError: it has none. Without labels its newest version would take the traffic.
    """
    model, number = coming or (None, None)
    versions = {name: store.versions(name) for name in store.models()}
    if model is not None and number is not None:
        versions[model] = [*versions.get(model, ()), number]
    labels, kept = dict(changed or {}), {}
    for name in versions.keys() - labels.keys():
        try:
            labels[name] = Labels.read(store.base(name))
        except ManifestError:
            if (entry := _entries(store).get(name)) is None:
                raise
            kept[name] = entry
    entries = kept | {name: _entry(name, of, versions[name]) for name, of in labels.items()}
    return f"model_config_list {{\n{''.join(entries[name] for name in sorted(entries))}}}\n".encode()


def _entries(store: Store) -> dict[str, str]:
    """The lines of the file as it is, by model."""
    try:
        lines = (store.root / CONFIG_FILE).read_text().splitlines(keepends=True)
    except FileNotFoundError:
        return {}
    return {found[1]: line for line in lines if (found := _ENTRY.match(line))}


def _entry(name: str, labels: Labels, versions: Collection[int]) -> str:
    parts = [f'name: "{name}" base_path: "{CONTAINER_MOUNT}/{name}" model_platform: "tensorflow"']
    if labels.kept:
        served = " ".join(f"versions: {version}" for version in sorted(labels.served(versions)))
        parts.append(f"model_version_policy {{ specific {{ {served} }} }}")
    for label, version in sorted(labels.versions.items()):
        parts.append(f'version_labels {{ key: "{label}" value: {version} }}')
    return f"  config {{ {' '.join(parts)} }}\n"
