"""What all pages of the studio have in common: who may see them, the way to log in, and the way out."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import expect

from deep_predictor.web import access
from test.web.conftest import MakeSite
from test.web.management.people import PASSWORD, forget_attempts
from test.web.studio.looks import check_looks
from test.web.studio.site import Studio, log_in

#: What each role is shown of the navigation.
SECTIONS = {
    "viewer": ["Data sets", "Trainings", "Models", "Access"],
    "trainer": ["Data sets", "Trainings", "Models", "Access"],
    "admin": ["Data sets", "Trainings", "Models", "Predictions", "Access"],
}
#: Permission that a page's rule asks for -> the roles that have it.
ALLOWED = {"VIEW": ("viewer", "trainer", "admin"), "TRAIN": ("trainer", "admin"), "ADMIN": ("admin",)}


def plain_pages(app: Flask) -> dict[str, tuple[str, ...]]:
    """Pages of the studio whose address has no number -> the roles that may see them."""
    rules = app.extensions[access.EXTENSION]
    allowed = {id(getattr(access, name)): roles for name, roles in ALLOWED.items()}
    return {
        route.rule: allowed[id(rules[route.endpoint])]
        for route in app.url_map.iter_rules()
        if route.rule.startswith("/studio") and not route.arguments
    }


def test_pages_ask_for_their_permission_and_lead_to_the_login(studio: Studio) -> None:
    pages = plain_pages(studio.site.app)
    assert "/studio/users" in pages
    for path, roles in pages.items():
        stranger = studio.ask(None, "GET", path)
        assert (stranger.status_code, stranger.headers["Location"]) == (303, f"/login?next={path}"), path
        for role in SECTIONS:
            answer = studio.ask(role, "GET", path)
            expected = (200, 303) if role in roles else (403,)
            assert answer.status_code in expected, (path, role)
            if answer.status_code == 200:
                assert answer.headers["Cache-Control"] == "no-store", path


@pytest.mark.parametrize("role", SECTIONS)
def test_navigation_has_no_way_to_what_a_role_may_not(studio: Studio, role: str) -> None:
    text = studio.ask(role, "GET", "/studio/account").text
    assert re.findall(r'class="studio-link"[^>]*>([^<]+)<', text) == SECTIONS[role]
    for path in re.findall(r'href="(/studio[^"?]*)', text):
        assert studio.ask(role, "GET", path).status_code in (200, 303), path


def test_page_shown_to_a_key_has_no_csrf_token(studio: Studio) -> None:
    made = studio.ask("viewer", "POST", "/api/v1/keys", json={"name": "<b>", "scopes": ["predict"]}).json()
    assert studio.ask(None, "GET", "/studio/account", headers={"X-API-Key": made["key"]}).status_code == 403
    made = studio.ask("admin", "POST", "/api/v1/keys", json={"name": "<b>", "scopes": ["train"]}).json()
    text = studio.ask(None, "GET", "/studio/account", headers={"X-API-Key": made["key"]}).text
    assert 'data-csrf=""' in text
    assert "&lt;b&gt;" in text


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/studio/models?a=1", "/studio/models?a=1"),
        ("/studio", "/studio"),
        ("/upload", "/studio"),
        ("/studiox", "/studio"),
        ("//evil.example/studio/", "/studio"),
        ("https://evil.example/studio/", "/studio"),
        ("/studio/\\evil.example", "/studio"),
        ("/studio//evil.example", "/studio"),
    ],
)
def test_login_leads_to_pages_of_the_studio_only(studio: Studio, target: str, expected: str) -> None:
    page = studio.ask(None, "GET", "/login", params={"next": target})
    assert f'data-target="{expected}"' in page.text
    again = studio.ask("viewer", "GET", "/login", params={"next": target})
    assert (again.status_code, again.headers["Location"]) == (303, expected)


def test_login_of_a_server_without_accounts_says_how_to_make_one(studio: Studio, make_site: MakeSite) -> None:
    words = "There is no account yet."
    assert words in make_site().get("/login").text
    assert words not in studio.ask(None, "GET", "/login").text


def test_login_with_a_cookie_that_counts_no_more_is_shown(studio: Studio) -> None:
    person = log_in(studio.site, "viewer")
    cookie = person.session.cookies.copy()
    assert person.ask("DELETE", "/api/v1/session").status_code == 204
    person.session.cookies.update(cookie)
    assert person.ask("GET", "/login").status_code == 200
    assert person.ask("GET", "/studio/models").headers["Location"] == "/login?next=/studio/models"


@pytest.mark.browser
def test_login_by_keyboard_leads_where_one_wanted_to_go(studio: Studio) -> None:
    studio.watch.expected += ["401"]
    page = studio.page(None, "/studio/users?from=a-test")
    assert page.url == f"{studio.url}/login?next=/studio/users?from%3Da-test"
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type('<img src=x onerror="document.title=1">')
    page.keyboard.press("Enter")
    message = page.locator("#login-message")
    expect(message).to_have_text("Username and password do not fit.")
    expect(page.get_by_label("Password")).to_be_focused()
    check_looks(page, "login-refused")
    page.get_by_label("Password").press_sequentially(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    assert page.url == f"{studio.url}/studio/users?from=a-test"
    forget_attempts(studio.site)


@pytest.mark.browser
def test_login_after_too_many_wrong_passwords_says_when_to_try_again(studio: Studio) -> None:
    studio.watch.expected += ["401", "429", "net::ERR_"]
    page = studio.page(None, "/login")
    page.get_by_label("Username").fill("nobody")
    message, button = page.locator("#login-message"), page.get_by_role("button", name="Log in")
    page.evaluate("() => { window.setTimeout = (call) => { window.afterTheWait = call; }; }")
    # The sixth is refused; on a slow machine a later one, since each further one makes the wait twice as long.
    wrong = 0
    for _ in range(12):
        page.get_by_label("Password").fill("wrong")
        with page.expect_response("**/api/v1/session") as answer:
            button.click()
        expect(message).to_be_visible()
        if answer.value.status == 429:
            break
        wrong += 1
    expect(message).to_have_text(re.compile(r"^Too many wrong passwords. Try again in \d+ s.$"))
    assert 1 <= int(re.findall(r"\d+", message.inner_text())[0]) <= 2 ** (wrong - 5)
    expect(button).to_be_disabled()
    page.evaluate("() => window.afterTheWait()")
    expect(message).to_have_text("You can try again now.")
    expect(button).to_be_enabled()
    forget_attempts(studio.site)
    page.context.set_offline(True)
    button.click()
    expect(message).to_have_text("The server cannot be reached.")


@pytest.mark.browser
def test_page_left_open_after_the_login_has_ended_leads_back_to_it(studio: Studio) -> None:
    studio.watch.expected += ["401"]
    page = studio.page("admin", "/studio/users")
    expect(page.locator("#users [data-words]")).to_contain_text("3 users")
    page.context.clear_cookies()
    page.get_by_role("button", name="Disable viewer").click()
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page).to_have_url(f"{studio.url}/login?next=%2Fstudio%2Fusers")


@pytest.mark.browser
def test_page_left_open_while_one_logs_in_again_elsewhere_goes_on(studio: Studio) -> None:
    studio.watch.expected += ["400"]
    page = studio.page("admin", "/studio/users")
    expect(page.locator("#users [data-words]")).to_contain_text("3 users")
    again = page.context.request.post("/api/v1/session", data={"username": "admin", "password": PASSWORD})
    assert again.status == 201
    page.get_by_role("button", name="Change viewer").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#messages")).to_contain_text("viewer is changed.")

    other = page.context.request.post("/api/v1/session", data={"username": "trainer", "password": PASSWORD})
    assert other.status == 201
    studio.watch.expected += ["403"]
    page.get_by_role("button", name="Change viewer").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")


@pytest.mark.browser
def test_log_out_ends_the_login(studio: Studio) -> None:
    page = studio.page(None, "/login")
    page.get_by_label("Username").fill("trainer")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    page.goto("/studio/datasets")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
