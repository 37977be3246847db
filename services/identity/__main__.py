"""`python -m services.identity web|worker|migrate|rotate-keys|create-operator`."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import timedelta

from marshmallow import ValidationError

from services.identity.app import SERVICE
from services.identity.domain.keys import rotate_keys
from services.identity.domain.people import create_operator
from services.identity.schemas import EmailAddress
from services.identity.upkeep import prepare
from shared.database import Database
from shared.errors import Refusal
from shared.i18n import LANGUAGES, translate
from shared.run import main
from shared.settings import Settings
from shared.tenancy import PLATFORM_TENANT_ID, of_tenant

SPARE = timedelta(minutes=1)


def _no_arguments(_parser: argparse.ArgumentParser) -> None:
    pass


def _rotate_keys(_args: argparse.Namespace, settings: Settings, database: Database) -> int:
    """A new key now; the present one is refused as soon as its last token has expired."""
    longest_token = timedelta(seconds=settings.access_token_seconds) + SPARE
    with database.transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
        key = rotate_keys(session, longest_token=longest_token)
    print(f"The key {key.key_id} signs from {key.signs_from.isoformat(timespec='seconds')} on.")
    return 0


def _operator_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--email", required=True, help="what the operator signs in with")
    parser.add_argument("--name", help="the name to show; the beginning of the e-mail when left out")
    parser.add_argument("--language", choices=LANGUAGES, default="fr")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _create_operator(args: argparse.Namespace, settings: Settings, database: Database) -> int:
    prepare(database, settings)
    try:
        email = str(EmailAddress().deserialize(args.email))
        with database.transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
            create_operator(
                session,
                email=email,
                password=_password(from_stdin=args.password_stdin),
                display_name=args.name or email.partition("@")[0],
                language=args.language,
            )
    except (Refusal, ValidationError, ValueError) as error:
        print(f"No operator was created: {_reason(error)}", file=sys.stderr)
        return 1
    print("The operator can sign in now.")
    return 0


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password of the operator: ")
    if getpass.getpass("Once more: ") != password:
        raise ValueError("the two passwords differ; start again.")
    return password


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(map(str, error.messages))
    if not isinstance(error, Refusal):
        return str(error)
    details = [text for texts in (error.fields or {}).values() for text in texts]
    return " ".join([translate(error.text, **error.parameters), *details])


COMMANDS = {
    "rotate-keys": ("make a new signing key now", _no_arguments, _rotate_keys),
    "create-operator": ("add an operator of the platform", _operator_arguments, _create_operator),
}

if __name__ == "__main__":
    sys.exit(main(SERVICE, own=COMMANDS))
