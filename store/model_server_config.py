"""The `ModelServerConfig` text file that lets a stock TensorFlow Serving serve a whole store."""

from collections.abc import Sequence

CONFIG_FILE = "models.config"
CONTAINER_MOUNT = "/models"  # where docker-compose.yml mounts the store


def model_server_config(models: Sequence[str], mount: str) -> str:
    """Text proto naming each model under `mount`, the folder at which the model server sees the store."""
    entries = "".join(
        f'  config {{ name: "{name}" base_path: "{mount}/{name}" model_platform: "tensorflow" }}\n' for name in models
    )
    return f"model_config_list {{\n{entries}}}\n"
