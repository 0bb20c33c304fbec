"""Which trackers `--track` asks for, and whether they can be had: to be known before anything is trained."""

import netrc
import os
import socket
from importlib.util import find_spec
from urllib.parse import urlsplit

from i2i.errors import UserError, unknown

TRACKERS = {
    "aim": "i2i.tracking.aim_run:Aim",
    "mlflow": "i2i.tracking.mlflow_run:Mlflow",
    "tensorboard": "i2i.tracking.tensorboard_events:TensorBoard",
    "wandb": "i2i.tracking.wandb_run:Wandb",
}
"""Where the class of each stands. The package that it needs and the extra that installs it have the same name."""

WANDB_SERVER = "https://api.wandb.ai"
SECONDS_TO_ANSWER = 5.0


def trackers_named(text: str | None, *more: str) -> tuple[str, ...]:
    """`wandb,mlflow` as names, with others; each can be used.

    Raises:
        UserError: for an unknown tracker, one that is not installed, has no credentials, or whose server is away.
    """
    names = tuple(dict.fromkeys(part.strip() for part in (*(text or "").split(","), *more) if part.strip()))
    for name in names:
        _require(name)
    return names


def _require(name: str) -> None:
    if name not in TRACKERS:
        raise unknown("tracker", name, TRACKERS)
    if find_spec(name) is None:
        raise UserError(f"--track {name} needs a package that is not installed:\npip install 'i2i[{name}]'")
    if name == "wandb":
        _require_wandb()
    if name == "mlflow":
        _require_server("mlflow", os.environ.get("MLFLOW_TRACKING_URI", ""), "start it, or unset MLFLOW_TRACKING_URI")


def _require_wandb() -> None:
    if os.environ.get("WANDB_MODE", "online") != "online":
        return
    server = os.environ.get("WANDB_BASE_URL", WANDB_SERVER)
    if not os.environ.get("WANDB_API_KEY") and not _in_netrc(urlsplit(server).hostname or ""):
        raise UserError(
            "--track wandb has no credentials:\n"
            "run wandb login or set WANDB_API_KEY; WANDB_MODE=offline keeps the run on this machine"
        )
    _require_server(
        "wandb", server, "see to the network, or set WANDB_MODE=offline, which keeps the run on this machine"
    )


def _in_netrc(host: str) -> bool:
    """Whether the user's netrc file, in which wandb login writes, knows a host."""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _require_server(name: str, address: str, remedy: str) -> None:
    """UserError if a server of the web does not answer; one behind a proxy is believed to."""
    parts = urlsplit(address)
    proxied = os.environ.get(f"{parts.scheme}_proxy") or os.environ.get(f"{parts.scheme}_proxy".upper())
    if parts.scheme not in ("http", "https") or proxied:
        return
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        _answered(parts.hostname or "", port, parts.scheme)
    except (OSError, ValueError) as error:
        raise UserError(f"--track {name}: {address} does not answer ({error}):\n{remedy}") from None


def _answered(host: str, port: int, scheme: str) -> None:
    """OSError unless it takes a connection and, where that is not encrypted, answers a request, whatever it says."""
    with socket.create_connection((host, port), timeout=SECONDS_TO_ANSWER) as connection:
        if scheme == "http":
            connection.sendall(f"HEAD / HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
            if not connection.recv(1):
                raise OSError("it hangs up")
