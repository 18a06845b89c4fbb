"""Prism, a mock server that nobody here wrote, serving the contract and refusing what breaks it."""

import os
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from contract_tools import CONTRACT_FILE


@contextmanager
def prism_server(contract: Path = CONTRACT_FILE) -> Generator[str, None, None]:
    """Run Prism with every request validated, and give its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["prism", "mock", "--errors", "--host", "127.0.0.1", "--port", str(port), str(contract)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            assert any("Prism is listening" in line for line in process.stdout), "Prism did not start"
            os.set_blocking(process.stdout.fileno(), False)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)
