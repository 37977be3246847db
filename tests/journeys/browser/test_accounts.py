"""Ways in and out, people and tenants, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from services.demo import DEMO_PASSWORD
from tests.journeys.browser.reader import Reader
from tests.journeys.process import Services
from tests.journeys.waiting import eventually

PASSWORD = "trois renards au marché"
HEAD, HR, OPERATOR = "direction@lilas.example", "rh@atelier-vert.example", "operateur@demo.example"


def test_a_visitor_finds_the_ways_in(reader: Reader) -> None:
    reader.goto("/")
    expect(reader.page.locator(".stats li")).to_have_count(5)
    reader.shot("home")
    for path in ("/found", "/players/new", "/reset", "/sign-in", "/ui", "/legal/about", "/legal/privacy"):
        reader.goto(path)
        reader.shot(path.strip("/").replace("/", "-"))


@pytest.mark.parametrize("path", ["/", "/sign-in", "/found/company", "/nowhere"])
def test_pages_are_well_in_the_dark_and_on_the_smallest_screen(open_reader: Callable[..., Reader], path: str) -> None:
    for scheme, width in (("dark", 390), ("light", 320)):
        reader = open_reader(scheme=scheme, width=width)
        reader.goto(path)
        reader.shot(f"{scheme}-{width}")


def test_a_school_is_founded_and_a_colleague_invited(
    reader: Reader, site: Services, request: pytest.FixtureRequest
) -> None:
    email = f"{re.sub(r'[^a-z]', '', request.node.name.lower())[-12:]}@ecole.example"
    page = reader.page
    reader.goto("/found/school")
    page.fill("[name=name]", "École مدرسة des très très longs chemins de l'Arrière-Petite-Bibliothèque")
    page.fill("[name=display_name]", "Camille <b>Roux</b>")
    page.fill("[name=email]", email)
    page.fill("[name=password]", "court")
    reader.press({"fr": "Ouvrir", "en": "Open it"}[language_of(reader)])
    expect(page.locator("[data-form-errors]")).to_be_focused()
    assert page.input_value("[name=display_name]") == "Camille <b>Roux</b>"
    reader.shot("refused")
    page.fill("[name=password]", PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/leagues/**")
    reader.goto("/identity/people/invite")
    page.fill("[name=emails]", f"x{email}")
    reader.shot("invite")
    page.locator("main .button.primary").click()
    link = page.locator("#link").inner_text()
    reader.shot("invited")
    eventually(lambda: any(link in mail.read_text() for mail in site.mail_folder.glob("*")), 10)
    reader.context.clear_cookies()
    page.goto(link)
    page.fill("[name=display_name]", "Ana")
    page.fill("[name=password]", PASSWORD)
    reader.shot("accept")
    page.locator("main button").click()
    page.wait_for_url("**/leagues/**")


def test_an_administrator_looks_after_people(reader: Reader) -> None:
    page = reader.page
    reader.sign_in(HEAD)
    reader.goto("/identity/people")
    reader.shot("people")
    page.locator("main .rows a", has_text="Diop").click()
    reader.shot("person")
    page.locator("details.sure summary").first.click()
    page.locator("form[action$=suspend] button").click()
    expect(page.locator(".said")).to_be_visible()
    reader.shot("suspended")
    page.locator("form[action$=resume] button").click()
    for path in ("/identity/tenant", "/identity/audit", "/identity/me", "/identity/me/password"):
        reader.goto(path)
        reader.shot(path.rsplit("/", 1)[1])


def test_an_operator_suspends_a_tenant_and_sees_the_services(reader: Reader) -> None:
    page = reader.page
    reader.sign_in(OPERATOR)
    reader.goto("/identity/platform")
    expect(page.locator(".services .tag")).to_have_count(4)
    reader.shot("platform")
    page.fill("[name=name]", "Atelier")
    page.locator(".search button").click()
    page.locator(".rows a").first.click()
    reader.shot("tenant")
    page.locator("main .actions a[href$=suspend]").click()
    reader.shot("sure")
    page.locator("form[action$=suspend] button").click()
    expect(page.locator("main .tag.danger")).to_have_count(1)
    reader.shot("suspended-tenant")
    page.locator("main .actions a[href$=resume]").click()
    page.locator("form[action$=resume] button").click()
    expect(page.locator("main .tag.danger")).to_have_count(0)
    reader.goto("/identity/platform/audit")
    expect(page.locator(".trail li").first).to_be_visible()
    reader.shot("trail")
    reader.goto("/leagues/editions/")
    reader.shot("editions")
    page.locator(".rows a").first.click()
    expect(page.locator("[hx-get*=taking-part]")).to_contain_text("7")
    reader.shot("edition")
    address = page.url
    for path in (f"{address}/change", f"{address}/clone", "/leagues/editions/new"):
        reader.goto(path)
        reader.shot(path.rsplit("/", 1)[1])
    reader.goto("/leagues/dead-letters")
    reader.shot("dead-letters")


def test_a_forgotten_password_is_replaced_by_the_link_of_a_mail(
    open_reader: Callable[..., Reader], site: Services
) -> None:
    reader = open_reader()
    page = reader.page
    reader.goto("/reset")
    page.fill("[name=email]", "zoe@grand-public.example")
    page.locator("main button").click()
    reader.shot("sent")

    def link() -> str:
        mails = [mail.read_text() for mail in site.mail_folder.glob("*")]
        [found] = re.findall(r"http\S+/identity/password-resets/\S+", "\n".join(mails))
        return str(found)

    page.goto(eventually(link, 15))
    page.fill("[name=password]", DEMO_PASSWORD)
    reader.shot("new-password")
    page.locator("main button").click()
    page.wait_for_url("**/sign-in")
    expect(page.locator(".said")).to_be_visible()
    reader.sign_in("zoe@grand-public.example")


def test_without_javascript_one_signs_in_changes_the_language_and_leaves(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(script=False)
    page = reader.page
    reader.sign_in(HR)
    reader.goto("/identity/me")
    assert page.get_attribute("html", "lang") == "fr"
    page.locator(".language-switch [value=en]").click()
    assert page.get_attribute("html", "lang") == "en"
    assert page.url.endswith("/identity/me")
    assert page.input_value("[name=language]") == "en", "the account's language too"
    page.locator(".language-switch [value=fr]").click()
    page.locator("form[action='/sign-out'] button").click()
    reader.goto("/identity/me")
    assert "/sign-in" in page.url


def test_a_session_that_ends_in_mid_form_loses_nothing(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(language="en")
    page = reader.page
    reader.sign_in(HR)
    for kept in ("mpp_refresh", "nothing"):  # the short token alone has ended, then the whole session
        reader.goto("/identity/me")
        page.fill("[name=display_name]", f"M. Nguyen {kept}")
        gone = ["mpp_access"] if kept == "mpp_refresh" else ["mpp_access", "mpp_refresh"]
        for name in gone:
            reader.context.clear_cookies(name=name)
        page.locator("main .button.primary").first.click()
        if kept == "nothing":
            reader.shot("sign-in-again")
            page.fill("[name=email]", HR)
            page.fill("[name=password]", DEMO_PASSWORD)
            page.locator("main button").click()
            reader.shot("send-again")
            page.locator("main button.primary").click()
        expect(page.locator(".said")).to_be_visible()
        assert page.input_value("[name=display_name]") == f"M. Nguyen {kept}"


def test_two_browsers_two_accounts_and_one_signs_out(open_reader: Callable[..., Reader]) -> None:
    one, two = open_reader(), open_reader()
    one.sign_in(HEAD)
    two.sign_in(HR)
    one.goto("/identity/me")
    two.goto("/identity/me")
    assert HEAD in one.page.inner_text("main")
    assert HR in two.page.inner_text("main")
    one.page.locator("form[action='/sign-out'] button").click()
    two.goto("/identity/me")
    assert HR in two.page.inner_text("main")


def test_two_tabs_of_one_browser_with_two_accounts_never_mix_them(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(language="en")
    reader.sign_in(HEAD)
    reader.goto("/identity/me")
    reader.page.fill("[name=display_name]", "Of the first")
    second = reader.tab()
    second.goto("/identity/me")
    second.locator("form[action='/sign-out'] button").click()
    second.goto("/sign-in")
    second.fill("[name=email]", HR)
    second.fill("[name=password]", DEMO_PASSWORD)
    second.locator("main button").click()
    reader.page.locator("main .button.primary").first.click()
    assert "Of the first" not in second.inner_text("body"), "the form of one account changed the other"
    second.goto("/identity/me")
    assert second.input_value("[name=display_name]") != "Of the first"


def test_the_keyboard_alone_signs_in(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader("desktop")
    page = reader.page
    reader.goto("/sign-in")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(HEAD)
    page.keyboard.press("Tab")
    page.keyboard.type(DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/leagues/**")


def language_of(reader: Reader) -> str:
    return str(reader.page.get_attribute("html", "lang"))
