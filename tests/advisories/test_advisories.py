"""A locked package with a known hole is told and fails the lint; a service that doesn't answer is told and passes."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from advisories.advisories import audit

HOLE = {
    "id": "PYSEC-2021-92",
    "aliases": ["CVE-2021-25287"],
    "details": "An out-of-bounds read.",
    "affected": [
        {
            "package": {"name": "pillow", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "8.2.0"}]}],
        }
    ],
    "modified": "2021-06-09T05:01:58Z",
}


class Service(BaseHTTPRequestHandler):
    """Answers like osv.dev, which knows one hole of pillow 8.1.0."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["package"]["name"] == "pillow" and asked["version"] == "8.1.0"
        answer = json.dumps({"vulns": [HOLE]} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def audit_lock(folder, text, address):
    lock = folder / "requirements.txt"
    lock.write_text(text)
    return audit(lock, "--vulnerability-service=osv", f"--osv-url={address}", f"--cache-dir={folder / 'cache'}")


def test_a_package_with_a_known_hole_fails(tmp_path, service):
    passed, told = audit_lock(tmp_path, "affine==2.4.0\npillow==8.1.0\n", service)
    assert not passed
    assert "2 of 2 packages were audited\npillow 8.1.0: PYSEC-2021-92 CVE-2021-25287, mended in 8.2.0" in told


def test_packages_without_a_hole_pass(tmp_path, service):
    assert audit_lock(tmp_path, "pillow==8.2.0\naffine==2.4.0\n", service) == (
        True,
        "pip-audit: 2 of 2 packages were audited",
    )


def test_a_service_that_isnt_reached_is_told_and_passes(tmp_path):
    assert audit_lock(tmp_path, "pillow==8.1.0\n", "http://127.0.0.1:9/v1/query") == (
        True,
        "pip-audit: no advisory service was reached, so no package was audited",
    )


def test_a_lock_that_cant_be_read_fails(tmp_path, service):
    passed, told = audit_lock(tmp_path, "pillow>=8\n", service)
    assert not passed and "pillow" in told
