"""Certificates of services that tests start, each with one thing wrong; and contexts that show them."""

import ssl
import subprocess
from pathlib import Path


def make_certificates(folder: Path) -> Path:
    """Make authority.pem and, named by what is wrong with them, those that it may have signed."""

    def openssl(arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)

    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout"
    usage = "-addext keyUsage=critical,keyCertSign"  # asked for since Python 3.13
    for name in ("authority", "unknown"):
        openssl(f"req -x509 {key} {name}.key -days 2 -subj /CN={name} {usage} -out {name}.pem")
    openssl(f"req {key} key -subj /CN=localhost -addext subjectAltName=DNS:localhost -out request")
    openssl("req -new -key key -subj /CN=other.example -addext subjectAltName=DNS:other.example -out other")
    (folder / "leaf").write_text("authorityKeyIdentifier = keyid\n")
    for name, request, signer in [
        ("trusted", "request", "-CA authority.pem -CAkey authority.key -days 2"),
        ("expired", "request", "-CA authority.pem -CAkey authority.key -days -1"),
        ("self-signed", "request", "-signkey key -days 2"),
        ("for-another-host", "other", "-CA authority.pem -CAkey authority.key -days 2"),
        ("of-an-unknown-authority", "request", "-CA unknown.pem -CAkey unknown.key -days 2"),
    ]:
        openssl(f"x509 -req -in {request} {signer} -copy_extensions copy -extfile leaf -out {name}.pem")
    return folder


def presenting(folder: Path, name: str) -> ssl.SSLContext:
    """Serve with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / "key")
    return context
