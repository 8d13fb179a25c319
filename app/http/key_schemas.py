"""The shapes of keys and sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.http.caller import Caller
from app.registry.keys import Key, NewKey
from app.registry.scopes import SCOPES, Scope


class KeyWish(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Field(min_length=1, max_length=200, description="Whose, or what for.")]
    scopes: Annotated[
        list[Scope],
        Field(max_length=len(SCOPES), description="Without any: /metrics and /session, no more."),
    ]
    galleries: Annotated[
        list[str] | None,
        Field(max_length=1000, description="The only ones it sees; all if left out."),
    ] = None
    requests_per_minute: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    expires_at: AwareDatetime | None = None

    def to_new_key(self) -> NewKey:
        return NewKey(
            label=self.label,
            scopes=self.scopes,
            galleries=self.galleries,
            requests_per_minute=self.requests_per_minute,
            expires_at=self.expires_at,
        )


class KeyRow(BaseModel):
    """A key, without its secret."""

    id: Annotated[str, Field(description="Stands in the key: wp_{id}_...")]
    label: str
    scopes: list[Scope]
    galleries: list[str] | None
    requests_per_minute: int | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: Key) -> KeyRow:
        return cls.model_validate(key, from_attributes=True)


class KeyRows(BaseModel):
    keys: list[KeyRow]


class MadeKey(KeyRow):
    """A key with its secret, which is shown this once."""

    key: Annotated[
        str | None, Field(description="Keep it. null where the call was answered before.")
    ]


class SignIn(BaseModel):
    """The key to sign in with."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=1, max_length=200)]


class Who(BaseModel):
    """Who calls, and what they may do."""

    access: Annotated[
        Literal["open", "keys"], Field(description="`open` until the first key is made.")
    ]
    name: Annotated[str, Field(description="As the audit log names callers.")]
    label: Annotated[str | None, Field(description="Of the key.")]
    session: Annotated[bool, Field(description="Signed in with a key, whose cookie is sent.")]
    scopes: list[Scope]
    galleries: Annotated[list[str] | None, Field(description="null: all.")]

    @classmethod
    def of(cls, caller: Caller, *, is_open: bool, session: bool) -> Who:
        return cls(
            access="open" if is_open else "keys",
            name=caller.name,
            label=caller.label,
            session=session,
            scopes=[scope for scope in SCOPES if scope in caller.scopes],
            galleries=None if caller.galleries is None else sorted(caller.galleries),
        )
