"""The pages of users, keys, OAuth2 clients and one's own account."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from test.web.browser_fixtures import HOSTILE_NAME
from test.web.management.people import PASSWORD, browser_of, get_person
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio, log_in

pytestmark = pytest.mark.browser


def message(page: Page) -> str:
    return page.locator("#messages").inner_text().removesuffix("×").strip()


def test_users_are_added_changed_and_disabled(studio: Studio) -> None:
    studio.watch.expected += ["409", "422"]
    page = studio.page("admin", "/studio/users")
    expect(page.locator("#users [data-words]")).to_have_text("3 users")
    page.get_by_text("Add a user").click()
    page.get_by_label("Username").fill("bert")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Role").select_option("trainer")
    page.get_by_role("button", name="Add the user").click()
    row = page.get_by_role("row", name="bert")
    expect(row).to_contain_text("trainer")
    expect(page.locator("#messages")).to_contain_text("bert is added.")
    check_looks(page, "users")

    page.get_by_label("Username").fill("bert")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Add the user").click()
    expect(page.get_by_role("alert")).to_contain_text("bert")

    page.get_by_role("button", name="Change bert").click()
    dialog = page.get_by_role("dialog", name="Change bert")
    dialog.get_by_label("Role").select_option("viewer")
    dialog.get_by_label("A new password").fill("battery staple")
    check_axe(page)
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("viewer")
    expect(page.get_by_role("button", name="Change bert")).to_be_focused()
    assert browser_of(studio.site).log_in("bert", "battery staple").status_code == 201

    page.get_by_role("button", name="Disable bert").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("disabled")
    expect(page.get_by_role("button", name="Enable bert")).to_be_focused()
    assert browser_of(studio.site).log_in("bert", "battery staple").status_code == 401
    page.keyboard.press("Enter")
    expect(row).to_contain_text("active")


def test_change_of_a_user_that_is_refused_is_said_in_its_dialog(studio: Studio) -> None:
    studio.watch.expected += ["422"]
    get_person(studio.site, "zoe")
    page = studio.page("admin", "/studio/users")
    page.get_by_role("button", name="Change zoe").click()
    dialog = page.get_by_role("dialog", name="Change zoe")
    password = dialog.get_by_label("A new password")
    password.evaluate("field => field.removeAttribute('minlength')")
    password.fill("short")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("password must have")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Change zoe")).to_be_focused()


def test_users_page_has_no_buttons_for_oneself(studio: Studio) -> None:
    page = studio.page("admin", "/studio/users")
    mine = page.locator("tr", has=page.get_by_text("you", exact=True))
    expect(mine).to_contain_text("admin")
    expect(mine.get_by_role("button")).to_have_count(0)


def test_key_is_shown_once_and_revoked(studio: Studio) -> None:
    page = studio.page("viewer", "/studio/keys")
    expect(page.locator("#keys [data-words]")).to_have_text("There is no key yet.")
    page.get_by_text("Make a key").click()
    assert page.locator("#scope option").all_inner_texts() == ["predict"]
    page.get_by_label("Name").fill(HOSTILE_NAME)
    page.get_by_label("It counts").select_option("for a week")
    page.get_by_role("button", name="Make the key").focus()
    page.keyboard.press("Enter")
    panel = page.locator("#shown-once")
    expect(panel).to_be_focused()
    key = panel.locator("code").inner_text()
    assert key.startswith("dpk_")
    expect(panel).to_contain_text(HOSTILE_NAME)
    check_looks(page, "keys")
    row = page.locator("#keys tbody tr")
    expect(row).to_contain_text(HOSTILE_NAME)
    expect(row).to_contain_text("until")
    panel.get_by_role("button", name="I have kept it").click()
    expect(panel).to_be_hidden()
    assert key not in page.content()
    header = {"X-API-Key": key}
    assert studio.ask(None, "GET", "/api/v1/session", headers=header).status_code == 200
    row.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert studio.ask(None, "GET", "/api/v1/session", headers=header).status_code == 401


def test_keys_of_everybody_are_an_admins_to_see(studio: Studio) -> None:
    studio.ask("trainer", "POST", "/api/v1/keys", json={"name": "the trainer's", "scopes": ["train"]})
    page = studio.page("admin", "/studio/keys")
    row = page.get_by_role("row", name="the trainer's")
    expect(row.get_by_role("cell").nth(2)).to_have_text("trainer")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("counts")
    expect(row.get_by_role("button")).to_be_focused()


def test_keys_of_many_pages_are_walked_through(studio: Studio) -> None:
    for number in range(51):
        studio.management.accounts.keys.create(f"key {number}", ["predict"], created_by=None)
    page = studio.page("admin", "/studio/keys")
    words = page.locator("#keys [data-words]")
    expect(words).to_contain_text("1–50 of")
    page.get_by_role("button", name="Next").click()
    expect(words).to_contain_text("51–")
    expect(page.get_by_role("button", name="Previous")).to_be_focused()
    page.context.set_offline(True)
    studio.watch.expected += ["net::ERR_"]
    page.keyboard.press("Enter")
    expect(words).to_have_text("The server cannot be reached. Trying again…")
    page.context.set_offline(False)
    expect(words).to_contain_text("1–50 of")
    page.get_by_text("Make a key").click()
    page.get_by_label("Name").fill("the newest")
    page.keyboard.press("Enter")
    expect(page.locator("#keys tbody tr").last).to_contain_text("the newest")


def test_client_is_made_and_revoked(studio: Studio) -> None:
    page = studio.page("admin", "/studio/clients")
    expect(page.locator("#clients [data-words]")).to_have_text("There is no client yet.")
    page.get_by_text("Make a client").click()
    page.get_by_label("Name", exact=True).fill(HOSTILE_NAME)
    page.get_by_label("predict", exact=True).uncheck()
    page.get_by_role("button", name="Make the client").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what its tokens may.")
    page.get_by_label("predict, view and train").check()
    page.get_by_role("button", name="Make the client").click()
    expect(page.locator("#shown-once")).to_be_focused()
    client_id, secret = page.locator("#shown-once code").all_inner_texts()
    row = page.locator("#clients tbody tr")
    expect(row).to_contain_text(HOSTILE_NAME)
    expect(row.get_by_role("cell").nth(3)).to_have_text("admin")
    check_looks(page, "clients")
    form = {"grant_type": "client_credentials"}
    assert studio.ask(None, "POST", "/o/token/", data=form, auth=(client_id, secret)).status_code == 200
    row.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert studio.ask(None, "POST", "/o/token/", data=form, auth=(client_id, secret)).status_code == 401


def test_own_password_is_changed_and_the_page_goes_on(studio: Studio) -> None:
    studio.watch.expected += ["401"]
    get_person(studio.site, "carl", "viewer")
    studio.people["carl"] = log_in(studio.site, "carl")
    page = studio.page("carl", "/studio/account")
    expect(page.locator("#main")).to_contain_text("carl and may predict, view.")
    for old, new in (("wrong", "battery staple"), (PASSWORD, "battery staple")):
        page.get_by_label("Your present password").fill(old)
        page.get_by_label("The new one", exact=True).fill(new)
        page.get_by_label("The new one again").fill("something else")
        page.get_by_role("button", name="Change the password").click()
        assert page.get_by_label("The new one again").evaluate("field => field.validationMessage") != ""
        page.get_by_label("The new one again").fill(new)
        page.get_by_role("button", name="Change the password").click()
        expect(page.locator("#messages")).to_contain_text("not right" if old == "wrong" else "is changed")
    check_looks(page, "account")
    page.get_by_label("Your present password").fill("battery staple")
    page.get_by_label("The new one", exact=True).fill(PASSWORD)
    page.get_by_label("The new one again").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator("#messages")).to_contain_text("is changed")
    assert message(page) == "Your password is changed."
