"""A plugin for the AWS CLI, which has no option for it: shows the client certificate CLIENT_CERTIFICATE.crt, .key."""

import os

from botocore.config import Config


def awscli_initialize(cli):
    cli.register("session-initialized", show_certificate)


def show_certificate(session, **_):
    name = os.environ["CLIENT_CERTIFICATE"]
    shown = Config(client_cert=(f"{name}.crt", f"{name}.key"))
    others = session.get_default_client_config()
    session.set_default_client_config(others.merge(shown) if others else shown)
