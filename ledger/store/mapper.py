"""Events to stored bytes and back: topics, versions, upcasters.

The body of an event is encoded as it is; ids and versions travel beside it (`Recorded`) and are columns of the log. The
library's own mapper reads `vars(event)`, which msgspec structs do not have, and encrypts or compresses by environment;
this one refuses both, because SQL folds the stored JSON.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent

from ledger.account_events import EVENTS, AccountEvent
from ledger.plan_events import PLAN_EVENTS, PlanEvent
from ledger.reconciliation_events import MONTH_EVENTS, MonthEvent
from ledger.region_rules import RULE_EVENTS, RuleEvent

Event = AccountEvent | RuleEvent | PlanEvent | MonthEvent
_ALL: Final[tuple[type[AccountEvent] | type[RuleEvent] | type[PlanEvent] | type[MonthEvent], ...]] = (
    *EVENTS,
    *RULE_EVENTS,
    *PLAN_EVENTS,
    *MONTH_EVENTS,
)
TYPES: Final = {event.topic: event for event in _ALL}
_encode: Final = msgspec.json.Encoder().encode
_RETOLD: Final = {topic for topic, event in TYPES.items() if any(name.startswith("upcast_v") for name in dir(event))}
"""Types whose earlier versions must be retold. A version that only adds what may be left out needs no upcaster."""
_decoders: Final = {topic: msgspec.json.Decoder(event) for topic, event in TYPES.items()}


class Recorded(NamedTuple):
    """An event with its place: the stream it belongs to and its version there."""

    originator_id: UUID
    originator_version: int
    body: Event


def encode(event: Event) -> bytes:
    """The stored bytes. A version above 1 is said in the bytes, so that older ones can be told apart."""
    body = _encode(event)
    if event.class_version > 1:
        return b'{"class_version":%d,%b' % (event.class_version, body[1:])
    return body


def decode(topic: str, state: bytes) -> Event:
    """The event of stored bytes, brought up from the version they were written in.

    Raises `MapperDeserialisationError` for an unknown topic or bytes that are no such event.
    """
    decoder = _decoders.get(topic)
    if decoder is None:
        raise MapperDeserialisationError(f"unknown topic {topic!r}")
    try:
        return _upcast(TYPES[topic], state) if topic in _RETOLD else decoder.decode(state)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise MapperDeserialisationError(f"stored bytes of {topic} cannot be read: {fault}") from fault


def _upcast(event_type: type[Event], state: bytes) -> Event:
    said: dict[str, Any] = msgspec.json.decode(state)
    version = said.pop("class_version", 1)
    while version < event_type.class_version:
        if retell := getattr(event_type, f"upcast_v{version}_v{version + 1}", None):
            retell(said)
        version += 1
    return msgspec.convert(said, event_type)


class LedgerMapper(Mapper[UUID]):
    """The library's mapper interface over `encode` and `decode`."""

    def __init__(self, transcoder: Any, compressor: Any = None, cipher: Any = None) -> None:
        if compressor is not None or cipher is not None:
            raise ValueError("the log stores plain JSON: no compressor and no cipher")
        super().__init__(transcoder)

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """The stored form of a `Recorded` event."""
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.body.topic,
            state=encode(domain_event.body),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The `Recorded` event of a stored one."""
        stream = stored_event.originator_id
        return Recorded(
            stream if isinstance(stream, UUID) else UUID(stream),
            stored_event.originator_version,
            decode(stored_event.topic, stored_event.state),
        )
