"""Fingerprints: what tells one training from another, so that only the same one is resumed."""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path


def fingerprint_training(texts: Sequence[str], contents: Iterable[str | Path], dated: Iterable[str | Path]) -> str:
    """Digest what a training is made from: texts such as settings and code, files by content, and large ones by date.

    Returns 64 hex digits.
    """
    digest = sha256(json.dumps(list(texts)).encode())
    for path in contents:
        digest.update(sha256(Path(path).read_bytes()).digest())
    for path in dated:
        facts = Path(path).stat()
        digest.update(json.dumps([str(path), facts.st_size, facts.st_mtime_ns]).encode())
    return digest.hexdigest()
