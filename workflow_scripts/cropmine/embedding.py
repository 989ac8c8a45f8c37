"""What a page embeds so that it needs no network: the map library, scripts by their hash, pictures as data URIs."""

import base64
import io
import re
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

TEMPLATES = Path(__file__).parent / "templates"
LIBRARY = "leaflet"
LIBRARY_VERSION = "1.9.4"
LOSSY_QUALITY = 80


def embed_library() -> dict[str, str]:
    """Give the map library's `script`, `style` and `licence`; none of them names a file or a site to load from."""
    script, style, licence = (
        (TEMPLATES / "vendor" / f"{LIBRARY}{ending}").read_text(encoding="utf-8")
        for ending in (".js", ".css", ".LICENSE.txt")
    )
    script = re.sub(r"//# sourceMappingURL=\S+", "", script).replace('href="https://leafletjs.com" ', "")
    style = re.sub(r"/\*.*?\*/|[\w-]+:\s*url\([^)]*\);", "", style, flags=re.DOTALL)
    return {"script": script.strip(), "style": style, "licence": licence}


def hash_script(script: str) -> str:
    """Give the hash by which a page's content security policy allows an inline script, and no other."""
    return f"'sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}'"


def encode_picture(pixels: np.ndarray, exact: bool) -> str:
    """Encode pixels, uint8 (h, w, 4), as WebP in a data URI; `exact` without any loss, else of good quality."""
    buffer = io.BytesIO()
    options = {"lossless": True, "quality": 60} if exact else {"quality": LOSSY_QUALITY}
    Image.fromarray(pixels, "RGBA").save(buffer, format="webp", method=4, **options)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
