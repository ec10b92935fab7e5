"""Who may do what: roles of people, scopes of keys and tokens, and the permissions that both come down to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

#: predict: ask a predictor; view: see data sets, trainings, models; train: change them; admin: users, keys, everything.
Permission = Literal["predict", "view", "train", "admin"]
Role = Literal["viewer", "trainer", "admin"]
Scope = Literal["predict", "train", "admin"]
#: How a request showed who sends it.
CredentialKind = Literal["session", "jwt", "oauth", "api_key"]

ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    "viewer": frozenset({"predict", "view"}),
    "trainer": frozenset({"predict", "view", "train"}),
    "admin": frozenset({"predict", "view", "train", "admin"}),
}
SCOPE_PERMISSIONS: Mapping[Scope, frozenset[Permission]] = {
    "predict": frozenset({"predict"}),
    "train": frozenset({"predict", "view", "train"}),
    "admin": frozenset({"predict", "view", "train", "admin"}),
}


@dataclass(frozen=True)
class Principal:
    """Who sends a request. `user_id` is None for a program that acts for nobody."""

    kind: CredentialKind
    name: str
    permissions: frozenset[Permission]
    user_id: int | None = None


def permissions_of(scopes: Iterable[str]) -> frozenset[Permission]:
    """What scopes allow together; unknown ones allow nothing."""
    return frozenset().union(*(SCOPE_PERMISSIONS[scope] for scope in SCOPES if scope in set(scopes)))
