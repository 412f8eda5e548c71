"""The master key, and what is derived from it: one key that wraps people's data keys, one for keyed digests.

`PENSION_LEDGER_KEY` (64 hex digits) or a key file beside the database folder, made on first use, readable by its owner
alone. The database keeps a check value of the master and refuses another one, so that a wrong key seals nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.store.connections import Connections

KEY_FILE: Final = "master.key"
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_NONCE: Final = 12


class KeyFaultError(Exception):
    """The key is missing, malformed, ambiguous or not the one this database was sealed with; text in Chinese."""


class Keys:
    """Sealing and digests under one master key of 32 bytes."""

    def __init__(self, master: bytes) -> None:
        self._master = master
        self.check_value = _derived(master, "check")[:16]
        self._keyed = hashlib.blake2b(digest_size=32, key=_derived(master, "digest"))
        self._wrap = AESGCM(_derived(master, "wrap"))

    def __reduce__(self) -> tuple[type[Keys], tuple[bytes]]:
        """A process of ours is handed the keys through its pipe; they are written down nowhere else."""
        return Keys, (self._master,)

    def digest(self, *parts: bytes) -> bytes:
        """A keyed digest (BLAKE2b, 32 bytes) of parts that hold no NUL byte; HMAC took a tenth of an import's time."""
        digest = self._keyed.copy()  # keyed once: to begin with the key again takes as long as the parts do
        digest.update(b"\0".join(parts))
        return digest.digest()

    def wrapped(self, data_key: bytes, owner: bytes) -> bytes:
        """A person's data key under the wrapping key, bound to the person's id."""
        nonce = os.urandom(_NONCE)
        return nonce + self._wrap.encrypt(nonce, data_key, owner)

    def unwrapped(self, wrapped: bytes, owner: bytes) -> DataKey:
        """The data key again. Raises `InvalidTag` when bytes or owner were changed."""
        return DataKey(self._wrap.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], owner))


class DataKey:
    """One person's own key. Destroying it erases what it sealed."""

    def __init__(self, key: bytes | None = None) -> None:
        self.key = key or os.urandom(32)
        self._cipher = AESGCM(self.key)

    def sealed(self, text: str, bound_to: bytes) -> bytes:
        """`text` sealed; `bound_to` must be given again to open it."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text.encode(), bound_to)

    def opened(self, sealed: bytes, bound_to: bytes) -> str:
        """The text again. Raises `InvalidTag` when the bytes or what they are bound to were changed."""
        return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to).decode()


def _derived(master: bytes, use: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"pension-ledger {use}".encode()).derive(master)


def load_keys(home: Path, environ: Mapping[str, str] = os.environ, *, make: bool = True) -> Keys:
    """The keys of this installation, made on first use (unless `make` is off). Raises `KeyFaultError`."""
    said = environ.get("PENSION_LEDGER_KEY", "").strip()
    path = home / KEY_FILE
    if said and not _HEX.fullmatch(said):
        raise KeyFaultError("PENSION_LEDGER_KEY 须为64位十六进制数字")
    if path.exists():
        kept = path.read_text(encoding="ascii", errors="replace").strip()
        if not _HEX.fullmatch(kept):
            raise KeyFaultError(f"密钥文件 {path} 已损坏：须为64位十六进制数字，请从备份恢复")
        if said and said.lower() != kept.lower():
            raise KeyFaultError(f"环境变量 PENSION_LEDGER_KEY 与密钥文件 {path} 不一致，请只保留正确的一个")
        return Keys(bytes.fromhex(kept))
    if said:
        return Keys(bytes.fromhex(said))
    if not make:
        raise KeyFaultError(f"须有密钥：设置 PENSION_LEDGER_KEY，或把密钥文件放到 {path}（建库时的密钥，请从备份恢复）")
    return Keys(bytes.fromhex(_made(path)))


def _made(path: Path) -> str:
    """A new key file, or the one that another process made at the same moment: it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
    return path.read_text(encoding="ascii").strip()


def is_sealed(connections: Connections) -> bool:
    """Whether the database was sealed with a key already: another one must not be made then."""
    with connections.connection() as connection:
        return connection.execute("SELECT FROM pension_shared.key_check").fetchone() is not None


def check_keys(connections: Connections, keys: Keys) -> None:
    """Hold the key against the database's check value; the first key is taken. Raises `KeyFaultError` for another."""
    look = "SELECT value FROM pension_shared.key_check"
    with connections.connection() as connection:
        row = connection.execute(look).fetchone()
        if row is None:  # whoever may only read never comes here
            connection.execute(
                "INSERT INTO pension_shared.key_check (value) VALUES (%s) ON CONFLICT DO NOTHING", (keys.check_value,)
            )
            row = connection.execute(look).fetchone()
    if row is None or bytes(row[0]) != keys.check_value:
        raise KeyFaultError("密钥与本数据库不符：请使用建库时的密钥（PENSION_LEDGER_KEY 或密钥文件）")


__all__ = ["DataKey", "InvalidTag", "KeyFaultError", "Keys", "check_keys", "is_sealed", "load_keys"]
