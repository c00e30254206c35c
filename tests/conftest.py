"""What no test should share with another, or with the gateway of whoever runs them."""

import os
import tempfile

# Gateways of tests run beside each other, and have no routes but their own.
os.environ.setdefault("KMAAS_GATEWAY__ADMIN_PORT", "0")
os.environ.setdefault("KMAAS_GATEWAY__STATE", os.path.join(tempfile.gettempdir(), "kmaas-tests-have-no-state"))  # noqa: PTH118 (a string)
