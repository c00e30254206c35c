"""Metadata and tensors out of a GGUF file; whatever else a file may be is an error."""

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

from training.data.gguf import Gguf
from training.errors import DataError

PLAIN = np.arange(6, dtype=np.float32).reshape(2, 3)
ROWS = np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 64)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_rope_freq_base(1e5)
    writer.add_token_list(["a", "Ġb"])
    writer.add_tensor("plain.weight", PLAIN)
    for kind in (GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q8_0):
        writer.add_tensor(f"{kind.name}.weight", quantize(ROWS, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_metadata_and_tensors_are_there_dequantised(content: bytes) -> None:
    gguf = Gguf(content)
    assert gguf.metadata["general.architecture"] == "llama"
    assert gguf.metadata["llama.block_count"] == 2
    assert gguf.metadata["llama.rope.freq_base"] == 1e5
    assert gguf.metadata["tokenizer.ggml.tokens"] == ["a", "Ġb"]
    tensors = gguf.tensors()
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    assert shapes == {"plain.weight": (2, 3), "Q4_1.weight": (2, 64), "Q8_0.weight": (2, 64)}
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(tensors["plain.weight"], PLAIN)
    np.testing.assert_allclose(tensors["Q4_1.weight"], ROWS, atol=0.02)  # a sixteenth of what 32 numbers span, halved
    np.testing.assert_allclose(tensors["Q8_0.weight"], ROWS, atol=0.004)


def test_what_is_no_whole_file_is_told(content: bytes, tmp_path: Path) -> None:
    for damaged in (b"", b"GGUF", b"PK" + content[2:], content[:40], content[: len(content) // 2], content[:-100]):
        with pytest.raises(DataError, match="GGUF file"):
            Gguf(damaged).tensors()
