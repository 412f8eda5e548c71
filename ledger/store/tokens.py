"""Bearer tokens of those who use the ledger over HTTP: random, told once, kept as a hash.

A token of 256 random bits needs no slow hash: its SHA-256 leads back to nothing. The row says on whose word the token's
commands are (`actor`), which pools it opens, and whether it only reads; there is no second mechanism.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from ledger import clock
from ledger.store.connections import Connections
from ledger.words import new_id

PREFIX: Final = "plt_"
"""What a token begins with, so that one that lies about is known for what it is."""
_COLUMNS: Final = "token_id, actor, created_at, expires_at, revoked_at, pools, reads_only"


class Token(NamedTuple):
    """A token as it is kept. Instants in UTC; `expires_at` None: until it is revoked; `pools` None: every pool."""

    token_id: UUID
    actor: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    pools: Sequence[str] | None = None
    reads_only: bool = False

    def is_valid(self, at: datetime) -> bool:
        """Whether the token opens the door at an instant."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    def opens(self, pool: str, *, to_write: bool) -> bool:
        """Whether the token may read, or write, in a pool. It is not asked whether there is such a pool."""
        return (self.pools is None or pool in self.pools) and not (to_write and self.reads_only)


def create_token(
    connections: Connections,
    actor: str,
    lifetime: timedelta | None,
    pools: Sequence[str] | None = None,
    *,
    reads_only: bool = False,
) -> tuple[str, Token]:
    """A new token's text, which nobody can be told again, and its row."""
    text = PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    token = Token(
        new_id(), actor, now, now + lifetime if lifetime else None, None, list(pools) if pools else None, reads_only
    )
    with connections.connection() as connection:
        connection.execute(
            f"INSERT INTO pension_shared.token ({_COLUMNS}, digest) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (*token, digest_of(text)),
        )
    return text, token


def find_token(connections: Connections, text: str) -> Token | None:
    """The row of a token, whether or not it is still valid."""
    with connections.connection() as connection:
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM pension_shared.token WHERE digest = %s", (digest_of(text),)
        ).fetchone()
    return Token(*row) if row else None


def all_tokens(connections: Connections) -> list[Token]:
    """Every token, the earliest first."""
    with connections.connection() as connection:
        rows = connection.execute(f"SELECT {_COLUMNS} FROM pension_shared.token ORDER BY token_id").fetchall()
    return [Token(*row) for row in rows]


def revoke_token(connections: Connections, token_id: UUID) -> Token | None:
    """Close the door to a token, once and for all; None where there is none of this id."""
    with connections.connection() as connection:
        row = connection.execute(
            "UPDATE pension_shared.token SET revoked_at = coalesce(revoked_at, %s) WHERE token_id = %s"
            f" RETURNING {_COLUMNS}",
            (clock.now(), token_id),
        ).fetchone()
    return Token(*row) if row else None


def digest_of(text: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(text.encode()).digest()
