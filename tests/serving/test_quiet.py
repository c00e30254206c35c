"""TensorFlow's start-up chatter stays off the terminal; what others say does not, and all is shown when it fails."""

import subprocess
import sys
import textwrap

import pytest

IMPORTS = ["import_tensorflow_quietly", "import_sessions_quietly"]
CHATTER = "I0000 00:00:1795461834.824179   21327 port.cc:153] oneDNN custom operations are on."


def _import(on_import: str, function: str) -> subprocess.CompletedProcess[str]:
    """Runs the import in a fresh process, with a statement that is run when TensorFlow is looked for."""
    script = textwrap.dedent(
        f"""
        import os, sys
        from serving.runtimes.quiet import {function}

        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "tensorflow":
                    {on_import}

        sys.meta_path.insert(0, Finder())
        {function}()
        {function}()
        print("tensorflow.python" in sys.modules)
        """
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("function", IMPORTS)
def test_only_the_chatter_is_kept_back(function: str) -> None:
    done = _import(f"os.write(2, b'''{CHATTER}\\na line of another thread\\n''')", function)
    assert done.stdout == "True\n"
    assert done.stderr == "a line of another thread\n"


@pytest.mark.parametrize("closing", ["2>&-", "2>/dev/full"])
def test_a_process_without_standard_error_imports_all_the_same(closing: str) -> None:
    script = (
        "import os, sys; from serving.runtimes.quiet import chatter_aside\n"
        "with chatter_aside():\n    sys.stderr and os.write(2, b'a line for nobody')\n"
        "print('done')"
    )
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-c", script],
        stdout=subprocess.PIPE, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "done\n"


@pytest.mark.parametrize("function", IMPORTS)
def test_an_import_that_fails_shows_everything(function: str) -> None:
    done = _import(f"os.write(2, b'''{CHATTER}\\n'''); raise ImportError('no TensorFlow for you')", function)
    assert done.stdout == ""
    assert done.stderr.startswith(CHATTER)
    assert "no TensorFlow for you" in done.stderr


def test_a_server_has_parts_of_tensorflow_and_who_wants_it_whole_or_keras_gets_them() -> None:
    script = (
        "import sys; from serving.runtimes.quiet import *\n"
        "def heavy(): return sorted({'keras', 'matplotlib', 'sklearn', 'tensorflow'} & set(sys.modules))\n"
        "import_sessions_quietly()\n"
        "print(heavy())\n"
        "import_tensorflow_quietly()\n"
        "print(heavy())\n"
        "import_keras_quietly()\n"
        "print(heavy())\n"
        "import keras, sklearn, tensorflow as tf\n"
        "print(tf.keras.Model is keras.Model, int(tf.function(lambda x: x + 1)(1)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines() == ["[]", "['tensorflow']", "['keras', 'tensorflow']", "True 2"]
    assert done.stderr == ""
