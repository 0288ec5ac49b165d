"""A key: where it is written in the configuration, never what it is. Paper never loads one."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from perpbook.errors import InputError


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that is never shown: not in repr, not in errors, not in JSON."""

    _value: str = field(repr=False)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not copied to other processes or files")

    def reveal(self) -> str:
        """The secret itself, for a client's own settings and nothing else."""
        return self._value


def load_secret(where: str) -> Secret:
    """The secret at `env:NAME`, `file:PATH` (readable by its owner alone) or `keyring:SERVICE/USER` (the system's own keyring).

    Raises
    ------
    InputError : none is there, or others may read the file; says where, never what.
    """
    kind, _, place = where.partition(":")
    if kind == "env" and place:
        value = os.environ.get(place, "")
        if not value.strip():
            raise InputError(f"the environment has no {place}: set it to the key, or name a file with file:PATH")
        return Secret(value.strip())
    if kind == "file" and place:
        return Secret(_from_file(Path(place).expanduser()))
    service, _, user = place.partition("/")
    if kind == "keyring" and service and user:
        return Secret(_from_keyring(service, user))
    raise InputError(
        "a key is named by where it is, as env:NAME, file:PATH or keyring:SERVICE/USER; what stands there now is none of these, "
        "and is not repeated here"
    )


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise InputError(f"there is no key file {path.absolute()}: put the key there, or mend file:PATH") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the key file {path} cannot be read ({type(error).__name__})") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"others may read the key file {path}: chmod 600 it first")
    if not text:
        raise InputError(f"the key file {path} is empty")
    return text


def _from_keyring(service: str, user: str) -> str:
    """The password that the system's keyring has for a user of a service."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise InputError(
            "a key in the system's keyring needs keyring\n    install it with: pip install 'perpbook[keyring]'"
        ) from None
    try:
        found = keyring.get_password(service, user)
    except (KeyringError, RuntimeError, OSError) as error:
        raise InputError(
            f"the system's keyring cannot be read ({type(error).__name__}): is it there, and unlocked?"
        ) from None
    if not found or not found.strip():
        raise InputError(
            f"the system's keyring has no {service} of {user}: `keyring set {service} {user}` puts it there"
        )
    return str(found).strip()
