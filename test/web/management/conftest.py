"""Fixtures of the management API's tests: an application, and who asks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Request, g

from deep_predictor.accounts.permissions import ROLE_PERMISSIONS, SCOPE_PERMISSIONS, Principal
from deep_predictor.management import EXTENSION, Management
from deep_predictor.web import authentication
from test.web.conftest import MakeSite
from test.web.sites import Site

#: `as_principal(role, user_id)`: from now on every request is sent by somebody of this role, None: by nobody.
#: "predict" is a program's key of that scope alone.
AsPrincipal = Callable[..., None]


@pytest.fixture
def as_principal(monkeypatch: pytest.MonkeyPatch) -> AsPrincipal:
    """No request is nobody's until it is called."""

    def be(role: str | None, user_id: int | None = 1) -> None:
        principal = None
        if role is not None:
            permissions = SCOPE_PERMISSIONS["predict"] if role == "predict" else ROLE_PERMISSIONS[role]  # type: ignore[index]
            principal = Principal("jwt", f"a {role}", permissions, user_id)

        def find(request: Request) -> Principal | None:
            g.principal = principal
            return principal

        monkeypatch.setattr(authentication, "find_principal", find)

    return be


@pytest.fixture(scope="module")
def managed_site(make_site: MakeSite) -> Site:
    """One application for all tests of a file; its jobs are looked at often."""
    site = make_site()
    jobs = management_of(site).jobs
    jobs._settings = replace(jobs._settings, poll_seconds=0.02, cancel_seconds=0.2)
    return site


@pytest.fixture(scope="module")
def faked_site(make_site: MakeSite) -> Site:
    """One application for all tests of a file, whose trainings are fakes."""
    from test.web.management.training_sites import use_fakes  # which imports this file

    site = make_site()
    use_fakes(site)
    return site


@pytest.fixture
def admin_site(managed_site: Site, as_principal: AsPrincipal) -> Site:
    """`managed_site`, asked by an admin."""
    as_principal("admin")
    return managed_site


def management_of(site: Site) -> Management:
    management: Management = site.app.extensions[EXTENSION]
    return management
