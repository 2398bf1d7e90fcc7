"""The composed system: the three uses over TLS, client certificates, restarts under load, `down` and `up`."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from composed import COMPOSE, ROOT, Composed, exports, wait
from load import Load, client

CLIENTS = ROOT / "target/clients/bin"
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
).encode()


def setUpModule():
    global SYSTEM, ROOT_KEY
    SYSTEM = Composed()
    atexit.register(SYSTEM.remove)  # whatever comes between
    SYSTEM.compose("build", COMPOSE_PROFILES="several")
    SYSTEM.up()
    ROOT_KEY = SYSTEM.credentials()


def run_all(scripts, environment):
    """Runs scripts that every gateway is tested with, at the same time."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda script: run(script, environment), scripts))


def run(script, environment):
    """Runs one in a folder of its own."""
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(f"{work}/secrets")
        environment = environment | {
            "PATH": f"{CLIENTS}:{os.environ['PATH']}",
            "HOME": environment.get("HOME", work),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CURL_CA_BUNDLE": environment["AWS_CA_BUNDLE"],
        }
        interpreter = sys.executable if script.endswith(".py") else "bash"
        command = [interpreter, str(ROOT / "tests/clients" / script)]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{script}:\n{done.stdout}\n{done.stderr}"


class Compose(unittest.TestCase):
    def test_clients_over_tls(self):
        three_uses = ["encrypt.sh", "envelope.sh", "sign.sh", "three_uses.py"]
        run_all([*three_uses, "curl.sh", "sops.sh", "caller_identity.sh"], ROOT_KEY)

    def test_hardened(self):
        for container in SYSTEM.containers():
            name, config, host = container["Name"], container["Config"], container["HostConfig"]
            with self.subTest(name):
                self.assertNotIn(config["User"].split(":")[0], ("", "root", "0"))
                self.assertTrue(host["ReadonlyRootfs"])
                self.assertEqual(host["CapDrop"], ["ALL"])
                self.assertIn("no-new-privileges:true", host["SecurityOpt"])
                published = [where["HostIp"] for ports in (host["PortBindings"] or {}).values() for where in ports]
                self.assertLessEqual(set(published), {"127.0.0.1"})

    def test_client_certificates(self):
        SYSTEM.admin("user", "create", "application")
        SYSTEM.admin("policy", "put", "--user", "application", "everything", "-", input=EVERYTHING)
        key = exports(SYSTEM.admin("access-key", "create", "--user", "application"))
        folder = SYSTEM.folder / "credentials"
        certificate = ["--cert", folder / "application.crt", "--key", folder / "application.key"]
        with self.subTest("a certificate and no signature"):
            self.assertIn('"UserName":"application"', self.get_user(certificate))
            self.assertIn("MissingAuthenticationToken", self.get_user([]))
        with self.subTest("the AWS CLI where certificates are required"):
            SYSTEM.up(STRONGROOM_CLIENT_CERTIFICATE="required")
            try:
                self.assertEqual(self.get_user([]), "")
                self.assertEqual(self.get_user(self.self_signed()), "")
                home = SYSTEM.folder / "home"
                (home / ".aws").mkdir(parents=True)
                (home / ".aws/config").write_text("[plugins]\nclient_certificate = client_certificate\n")
                shown = {
                    "HOME": str(home),
                    "PYTHONPATH": str(Path(__file__).parent),
                    "CLIENT_CERTIFICATE": str(folder / "application"),
                }
                run_all(["encrypt.sh", "envelope.sh", "sign.sh"], ROOT_KEY | key | shown)
            finally:
                SYSTEM.up()

    def get_user(self, arguments):
        """What an unsigned request is answered; nothing where there is no connection."""
        command = ["curl", "-sS", "--cacert", ROOT_KEY["AWS_CA_BUNDLE"], *arguments]
        command += ["-H", "Content-Type: application/x-amz-json-1.1", "-H", "X-Amz-Target: Strongroom.GetUser", "-d", "{}"]
        done = subprocess.run([*command, ROOT_KEY["AWS_ENDPOINT_URL_KMS"]], capture_output=True, text=True)
        return done.stdout

    def self_signed(self):
        name = SYSTEM.folder / "stranger"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-subj", "/CN=application", "-addext", "subjectAltName=URI:spiffe://strongroom/application"]
        files = [f"{name}.crt", f"{name}.key"]
        subprocess.run([*command, "-out", files[0], "-keyout", files[1]], capture_output=True, check=True)
        return ["--cert", files[0], "--key", files[1]]

    def test_certificates_anew(self):
        """Other names bring another certificate, without a restart."""
        shown = self.certificate()
        SYSTEM.compose("run", "--rm", "-T", "setup", STRONGROOM_TLS_NAMES="DNS:kms.example")
        wait("another certificate", lambda: self.certificate() != shown)
        self.assertIn("DNS:kms.example", self.certificate())

    def certificate(self):
        """The one that the gateway shows."""
        address = f"localhost:{SYSTEM.port}"
        command = f"openssl s_client -connect {address} </dev/null 2>/dev/null | openssl x509 -noout -serial -ext subjectAltName"
        return subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout

    def test_restarts_under_load(self):
        load = Load(lambda: client(ROOT_KEY))
        try:
            load.progress()
            for service in ("setup", "init", "gateway", "postgres"):
                SYSTEM.compose("restart", service)
                SYSTEM.wait_healthy()
                load.progress()
        finally:
            load.stop()
        load.check_all(client(ROOT_KEY, attempts=5))
        self.assertTrue(load.failed, "nothing was restarted")
        print(f"{load.answered} answers, {len(load.failed)} failures", file=sys.stderr)

    def test_several_gateways(self):
        SYSTEM.up("--scale", "replica=2", profile="several")
        load = Load(lambda: client(ROOT_KEY, SYSTEM.proxy_port, attempts=5))
        try:
            load.progress()
            for service in ("gateway", "replica"):
                SYSTEM.compose("restart", service, COMPOSE_PROFILES="several")
                SYSTEM.wait_healthy()
                load.progress()
                if service == "gateway":
                    self.assertEqual(load.failed, [], "one gateway of three is no failure for an SDK")
            SYSTEM.compose("restart", "proxy", COMPOSE_PROFILES="several")
            SYSTEM.wait_healthy()
            load.progress()
        finally:
            load.stop()
        load.check_all(client(ROOT_KEY, attempts=5))
        print(f"{load.answered} answers, {len(load.failed)} failures", file=sys.stderr)

    def test_down_and_up(self):
        kms = client(ROOT_KEY)
        load = Load(lambda: client(ROOT_KEY))
        load.progress()
        load.stop()
        pages = kms.get_paginator("list_keys").paginate()
        before = {key["KeyId"] for page in pages for key in page["Keys"]}
        certificate = (SYSTEM.folder / "credentials/application.crt").read_text()
        SYSTEM.down()
        self.assertEqual(SYSTEM.containers(), [])
        SYSTEM.up()
        self.assertEqual(SYSTEM.credentials(), ROOT_KEY)
        self.assertEqual((SYSTEM.folder / "credentials/application.crt").read_text(), certificate)
        pages = client(ROOT_KEY).get_paginator("list_keys").paginate()
        self.assertEqual({key["KeyId"] for page in pages for key in page["Keys"]}, before)
        load.check_all(client(ROOT_KEY))

    def test_backup_and_restore(self):
        """What docs/compose.md says under Backup."""
        load = Load(lambda: client(ROOT_KEY))
        load.progress()
        load.stop()
        folders = ["softhsm", "gateway", "operator", "postgres"]
        tar = ["run", "--rm", "-T", "--entrypoint", "tar", "setup"]
        reconcile = ["strongroom", "reconcile", "--config=/etc/strongroom/strongroom.toml"]
        SYSTEM.compose("exec", "-T", "gateway", *reconcile)
        dump = ["pg_dump", "--username=strongroom", "--format=custom", "strongroom"]
        database = SYSTEM.compose("exec", "-T", "postgres", *dump)
        volumes = SYSTEM.compose(*tar, "c", "-C", "/var/lib/strongroom", *folders)
        SYSTEM.compose("down", "--volumes")
        SYSTEM.compose(*tar, "x", "-C", "/var/lib/strongroom", input=volumes)
        SYSTEM.up("postgres")
        restore = ["pg_restore", "--username=strongroom", "--dbname=strongroom", "--exit-on-error", "--no-owner"]
        SYSTEM.compose("exec", "-T", "postgres", *restore, input=database)
        SYSTEM.compose("run", "--rm", "-T", "--entrypoint", "strongroom", "init", *reconcile[1:])
        SYSTEM.up()
        load.check_all(client(ROOT_KEY))


if __name__ == "__main__":
    print("with", " ".join(COMPOSE), file=sys.stderr)
    unittest.main(verbosity=2)
