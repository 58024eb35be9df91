"""A client in Python: generates the stubs from the contracts and connects to a running Handslag.

Addresses come from HANDSLAG_REGISTRY, HANDSLAG_COMMITMENTS, HANDSLAG_NOTIFICATIONS and HANDSLAG_REPORTING (`host:port`,
the ports of `cargo dev up` by default). A token comes from the command `handslag token`, or from HANDSLAG_TOKEN_COMMAND.
"""

import importlib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[2] / "proto"
PORTS = {"registry": 7401, "commitments": 7402, "notifications": 7403, "reporting": 7404}


def generate() -> None:
    """Generates the stubs into a temporary folder and makes them importable."""
    out = tempfile.mkdtemp(prefix="handslag-stubs-")
    files = [str(path.relative_to(PROTO)) for path in sorted((PROTO / "handslag").rglob("*.proto"))]
    include = Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
    arguments = ["protoc", f"-I{PROTO}", f"-I{include}", f"--python_out={out}", f"--grpc_python_out={out}", *files]
    if protoc.main(arguments) != 0:
        raise RuntimeError("the contracts do not compile")
    sys.path.insert(0, out)


generate()


def messages(service: str):
    """The messages of a service's own requests and responses."""
    return importlib.import_module(f"handslag.{service}.v1.{service}_service_pb2")


def stub(service: str):
    """A stub of a service, on its own channel."""
    address = os.environ.get(f"HANDSLAG_{service.upper()}", f"127.0.0.1:{PORTS[service]}")
    module = importlib.import_module(f"handslag.{service}.v1.{service}_service_pb2_grpc")
    return getattr(module, f"{service.capitalize()}ServiceStub")(grpc.insecure_channel(address))


def token(*arguments: str) -> list[tuple[str, str]]:
    """Call metadata with a token of the development issuer, for instance `token("--role", "district-board", "--district", "farsta")`."""
    command = os.environ.get("HANDSLAG_TOKEN_COMMAND", "cargo dev handslag token")
    issued = subprocess.run([*shlex.split(command), *arguments], check=True, capture_output=True, text=True)
    return [("authorization", f"Bearer {issued.stdout.strip()}")]
