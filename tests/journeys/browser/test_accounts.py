"""Ways in and out, people and tenants, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import expect

from services.demo import DEMO_PASSWORD, LEAGUES
from tests.journeys.browser.reader import Reader
from tests.journeys.people import found
from tests.journeys.process import Services
from tests.journeys.waiting import eventually

PASSWORD = "trois renards au marché"
HEAD, HR, OPERATOR = "direction@lilas.example", "rh@atelier-vert.example", "operateur@demo.example"


def test_a_visitor_finds_the_ways_in(reader: Reader) -> None:
    reader.goto("/")
    expect(reader.page.locator(".stats li")).to_have_count(5)
    reader.shot("home")
    for door in ("/found/school", "/found/company", "/players/new"):
        reader.press(f"main a[href='{door}']")
        reader.shot(door.strip("/").replace("/", "-"))
        reader.press("main .back a")
        reader.shot("with-whom")
    reader.press("a[href='/sign-in']")
    reader.shot("sign-in")
    reader.press("a[href='/reset']")
    reader.shot("reset")
    reader.press("footer a[href='/legal/privacy']")
    reader.shot("privacy")


def test_a_school_is_founded_and_a_colleague_invited(reader: Reader, site: Services) -> None:
    page = reader.page
    colleague = f"{uuid4().hex[:12]}@ecole.example"
    reader.goto("/")
    reader.press("main a[href='/found/school']")
    page.fill("[name=name]", "École مدرسة des très très longs chemins de l'Arrière-Petite-Bibliothèque")
    page.fill("[name=display_name]", "Camille <b>Roux</b>")
    page.fill("[name=email]", f"x{colleague}")
    page.fill("[name=password]", "court")
    reader.press("main form button.primary")
    expect(page.locator("[data-form-errors]")).to_be_focused()
    assert page.input_value("[name=display_name]") == "Camille <b>Roux</b>"
    reader.shot("refused")
    page.fill("[name=password]", PASSWORD)
    page.locator("main form button.primary").click()
    page.wait_for_url("**/leagues/**")
    reader.settle()
    reader.press("a[href='/identity/people/invite']")
    page.fill("[name^=email]", colleague)
    reader.shot("invite")
    reader.press("main form button.primary")
    link = page.locator("#link").inner_text()
    reader.shot("invited")
    eventually(lambda: any(link in mail.read_text() for mail in site.mail_folder.glob("*")), 10)
    reader.context.clear_cookies()
    reader.goto(link)
    page.fill("[name=display_name]", "Ana")
    page.fill("[name=password]", PASSWORD)
    reader.shot("accept")
    page.locator("main button").click()
    page.wait_for_url("**/leagues/**")


def test_an_administrator_looks_after_people(reader: Reader) -> None:
    page = reader.page
    reader.sign_in(HEAD)
    reader.press("nav a[href='/identity/people']")
    reader.shot("people")
    reader.press("main .rows a:has-text('Diop')")
    reader.shot("person")
    page.locator("details.sure summary").first.click()
    page.locator("form[action$=suspend] button").click()
    expect(page.locator(".said")).to_be_visible()
    reader.shot("suspended")
    page.locator("form[action$=resume] button").click()
    expect(page.locator("details.sure summary").first).to_be_visible()
    for step in ("/identity/tenant", "/identity/audit", "/identity/me/password"):
        reader.press("nav a[href='/identity/me']")
        reader.press(f"main a[href='{step}']")
        reader.shot(step.rsplit("/", 1)[1])


def test_an_operator_suspends_a_tenant_and_sees_the_services(reader: Reader, site: Services) -> None:
    page = reader.page
    name = f"Atelier {uuid4().hex[:8]}"
    found(site.url, "company", name=name)
    reader.sign_in(OPERATOR)
    expect(page.locator(".services .tag")).to_have_count(4)
    reader.shot("platform")
    page.fill("[name=name]", name)
    reader.press(".search button")
    reader.press("main .rows a")
    reader.shot("tenant")
    reader.press("main .actions a[href$=suspend]")
    reader.shot("sure")
    page.locator("form[action$=suspend] button").click()
    expect(page.locator("main .tag.danger")).to_have_count(1)
    reader.shot("suspended-tenant")
    reader.press("main .actions a[href$=resume]")
    page.locator("form[action$=resume] button").click()
    expect(page.locator("main .tag.danger")).to_have_count(0)
    reader.press("main .back a")
    reader.press("main a[href='/identity/platform/audit']")
    expect(page.locator(".trail li").first).to_be_visible()
    reader.shot("trail")
    reader.press("main .back a")
    reader.press("main a[href='/leagues/dead-letters']")
    reader.shot("dead-letters")


def test_an_operator_looks_after_the_editions_of_the_platform(reader: Reader) -> None:
    page = reader.page
    reader.sign_in(OPERATOR)
    reader.press("main a[href='/leagues/editions/']")
    reader.shot("editions")
    reader.press("main .rows a:has-text('démonstration')")
    taking_part = page.locator("[hx-get*=taking-part] a")
    expect(taking_part).to_contain_text(re.compile(r"^\d+ "))
    assert int(taking_part.inner_text().split()[0]) >= LEAGUES, "teachers may have opened some more"
    reader.shot("edition")
    reader.press("main a[href$='/change']")
    reader.shot("change")
    reader.press("main .actions a.secondary")
    reader.press("main a[href$='/clone']")
    reader.shot("clone")
    reader.press("main .actions a.secondary")
    reader.press("main .back a")
    reader.press("main a[href='/leagues/editions/new']")
    name = f"Hiver {uuid4().hex[:8]}"
    page.fill("[name=name]", name)
    page.fill("[name=starts_at]", "2031-12-01T09:00")
    reader.shot("new")
    reader.press("main form button.primary")
    expect(page.locator("main h1")).to_have_text(name)
    reader.press("form[action$='/registration'] button")
    expect(page.locator("[aria-current=step]")).to_be_visible()
    reader.shot("published")


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
