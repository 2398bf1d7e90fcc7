"""The composed system, as an operator handles it: under a project name and on ports of its own."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90  # seconds

plugin = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
COMPOSE = ["docker", "compose"] if plugin else ["docker-compose"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def exports(text):
    """What a shell would have after `. env`."""
    script = 'set -a; . /dev/stdin; env -0'
    done = subprocess.run(["env", "-i", "bash", "-c", script], input=text, capture_output=True, text=True, check=True)
    pairs = (pair.split("=", 1) for pair in done.stdout.split("\0") if pair)
    return {name: value for name, value in pairs if name.startswith("AWS_")}


def wait(what, ready):
    """Waits until `ready()` is so."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.2)


class Composed:
    def __init__(self):
        self.port, self.proxy_port = free_port(), free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="strongroom-compose-"))
        self.environment = os.environ | {
            "COMPOSE_PROJECT_NAME": self.folder.name.lower().replace("_", "-"),
            "STRONGROOM_PUBLISH": f"127.0.0.1:{self.port}",
            "STRONGROOM_PROXY_PUBLISH": f"127.0.0.1:{self.proxy_port}",
        }

    def compose(self, *arguments, input=None, **environment):
        """One command of Compose; answers what it prints."""
        done = subprocess.run(
            [*COMPOSE, *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            input=input,
            capture_output=True,
            stdin=None if input is not None else subprocess.DEVNULL,
        )
        shown = done.stderr.decode(errors="replace")
        assert done.returncode == 0, f"{COMPOSE} {arguments} failed:\n{shown}\n{self.logs()}"
        return done.stdout

    def logs(self):
        done = subprocess.run([*COMPOSE, "logs", "--tail=40"], cwd=ROOT, env=self.environment, capture_output=True)
        return done.stdout.decode(errors="replace")

    def up(self, *arguments, profile=None, **environment):
        """Starts it and waits until it is healthy."""
        if profile:
            environment["COMPOSE_PROFILES"] = profile
        self.compose("up", "-d", *arguments, **environment)
        self.wait_healthy()

    def down(self):
        # The containers of every profile.
        self.compose("down", COMPOSE_PROFILES="several")

    def remove(self):
        self.compose("down", "--volumes", COMPOSE_PROFILES="several")
        shutil.rmtree(self.folder)

    def containers(self):
        """What Docker knows of each container."""
        label = f"label=com.docker.compose.project={self.environment['COMPOSE_PROJECT_NAME']}"
        ids = subprocess.run(["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True, check=True)
        if not ids.stdout.split():
            return []
        command = ["docker", "inspect", *ids.stdout.split()]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    def wait_healthy(self):
        def healthy():
            states = [container["State"] for container in self.containers()]
            return all(state["Health"]["Status"] == "healthy" for state in states if "Health" in state)

        wait("healthy containers", healthy)

    def credentials(self):
        """The documented command; answers what a client has in its environment."""
        archive = self.compose("run", "--rm", "-T", "credentials")
        subprocess.run(["tar", "xo"], input=archive, cwd=self.folder, check=True)
        text = (self.folder / "credentials/env").read_text()
        return exports(text.replace("$PWD", str(self.folder)))

    def admin(self, *arguments, input=b""):
        return self.compose("run", "--rm", "-T", "admin", *arguments, input=input).decode()
