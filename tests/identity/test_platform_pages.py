"""The operators' pages: every tenant, one of them opened, and the audit trail of all of them."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.identity.pages.trail import ACTIONS, FIELDS, SUBJECTS
from shared import contracts
from shared.i18n import ROOT, translate
from shared.tenancy import PLATFORM_TENANT_ID
from tests.identity.steps import API, Steps

PLATFORM = "/identity/platform"
ENGLISH = {"Accept-Language": "en"}
FRENCH = {"Accept-Language": "fr"}


def tenant_of(client: FlaskClient) -> str:
    return str(client.get(f"{API}/me").json["tenant"]["tenant_id"])


def read(client: FlaskClient, path: str, headers: Any = ENGLISH) -> str:
    """The words of a page, without its tags."""
    page = client.get(path, headers=headers)
    assert page.status_code == 200, page.text
    [main] = re.findall(r"<main.*</main>", page.text, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<option.*?</option>|<[^>]+>", " ", main)).split())


def test_the_list_leads_to_each_tenant_and_says_how_many_were_found(steps: Steps) -> None:
    lilas = tenant_of(steps.administrator())
    steps.administrator("other@example.org", name="Collège du Canal")
    operator = steps.operator()
    assert f'href="{PLATFORM}/{lilas}"' in operator.get(PLATFORM).text
    assert "4 tenants" in read(operator, PLATFORM), "the platform and the community are tenants too"
    assert "École des Lilas School · FR · 1 person · " in read(operator, PLATFORM)
    assert "2 tenants found" in read(operator, f"{PLATFORM}?kind=school")
    assert "1 tenant found Collège du Canal" in read(operator, f"{PLATFORM}?name=canal")


def test_the_list_shows_only_those_suspended_or_only_those_that_are_not(steps: Steps) -> None:
    lilas = tenant_of(steps.administrator())
    operator = steps.operator()
    assert "None found." in read(operator, f"{PLATFORM}?state=suspended")
    operator.post(f"{PLATFORM}/{lilas}/suspend")
    assert "1 tenant found École des Lilas" in read(operator, f"{PLATFORM}?state=suspended")
    assert "École des Lilas" not in read(operator, f"{PLATFORM}?state=open")
    assert "3 tenants" in read(operator, f"{PLATFORM}?state=nonsense"), "no filter of ours is none"


def test_a_tenant_opened_says_what_it_is_and_counts_its_people_by_role(steps: Steps) -> None:
    admin = steps.administrator()
    steps.colleague(admin, "ana@example.org", "organiser", "player")
    steps.colleague(admin, "bob@example.org", "player")
    page = read(steps.operator(), f"{PLATFORM}/{tenant_of(admin)}")
    assert "Kind School Country France Time zone Paris" in page
    assert "State open" in page
    assert "3 people 1 Administrator 1 Organiser 2 Player" in page
    assert "@example.org" not in page


def test_operators_alone_open_tenants_and_their_trails(steps: Steps) -> None:
    admin = steps.administrator()
    lilas = tenant_of(admin)
    for path in (f"/{lilas}", f"/{lilas}/suspend", "/audit", f"/audit?tenant={lilas}"):
        assert admin.get(PLATFORM + path).status_code == 403, path
        assert steps.client().get(PLATFORM + path).status_code == 303, path


def test_a_tenant_is_suspended_on_a_second_page_that_says_what_this_does(steps: Steps) -> None:
    admin = steps.administrator()
    path = f"{PLATFORM}/{tenant_of(admin)}"
    operator = steps.operator()
    assert "<form" not in re.findall(r"<main.*</main>", operator.get(path).text, re.DOTALL)[0], "no slip of a finger"
    asked = read(operator, f"{path}/suspend")
    assert "Within seconds the one person of this tenant can neither sign in nor act" in asked
    assert "Nothing is deleted" in asked
    assert admin.get(f"{API}/me").status_code == 200, "a look changes nothing"
    answer = operator.post(f"{path}/suspend")
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert admin.get(f"{API}/me").status_code == 403
    assert "This tenant is suspended" in read(operator, path)
    assert "It is suspended already." in read(operator, f"{path}/suspend")
    assert "can sign in and act again" in read(operator, f"{path}/resume")
    operator.post(f"{path}/resume")
    assert admin.get(f"{API}/me").status_code == 200


def test_nobody_is_asked_whether_the_platform_should_be_suspended(steps: Steps) -> None:
    operator = steps.operator()
    assert "/suspend" not in operator.get(f"{PLATFORM}/{PLATFORM_TENANT_ID}").text
    assert operator.get(f"{PLATFORM}/{PLATFORM_TENANT_ID}/suspend").status_code == 409
    assert operator.get(f"{PLATFORM}/{PLATFORM_TENANT_ID}/nonsense").status_code == 404


def test_an_operator_reads_the_trail_of_every_tenant_with_the_names_of_all(steps: Steps) -> None:
    admin = steps.administrator()
    person = steps.colleague(admin)
    admin.put(f"{API}/people/{person['person_id']}/suspension")
    steps.administrator("other@example.org", name="Collège du Canal")
    operator = steps.operator()
    operator.post(f"{PLATFORM}/{tenant_of(admin)}/suspend")
    page = read(operator, f"{PLATFORM}/audit")
    assert re.search(r"Tenant suspended · École des Lilas [^·]+ · by Op · École des Lilas", page)
    assert re.search(r"Person suspended · Ana [^·]+ · by Camille · École des Lilas", page)
    assert re.search(r"Tenant founded · Collège du Canal", page)
    assert page.count("Tenant suspended") == 1, "it stands in two trails, and is shown once"


def test_the_trail_of_all_is_filtered_by_tenant_and_by_action_and_has_pages(steps: Steps) -> None:
    admin = steps.administrator()
    lilas = tenant_of(admin)
    steps.administrator("other@example.org", name="Collège du Canal")
    for number in range(31):
        steps.found(f"n{number}@example.org", name=f"École {number}")
    operator = steps.operator()
    of_one = read(operator, f"{PLATFORM}/audit?tenant={lilas}")
    assert "1 change" in of_one
    assert "Canal" not in of_one
    founded = f"{PLATFORM}/audit?action=tenant_founded"
    assert "33 changes" in read(operator, founded)
    assert "action=tenant_founded&amp;page=2" in operator.get(founded).text.replace("&page", "&amp;page")
    assert "École des Lilas" in read(operator, f"{founded}&page=2"), "the oldest"
    assert "0 changes" in read(operator, f"{PLATFORM}/audit?action=tenant_founded&tenant={PLATFORM_TENANT_ID}")
    for unknown in ("nonsense", "0190c0de-7a11-7000-8000-000000000001"):
        assert operator.get(f"{PLATFORM}/audit?tenant={unknown}").status_code == 404


def test_the_page_of_a_tenant_shows_its_newest_changes_and_leads_to_all(steps: Steps) -> None:
    admin = steps.administrator()
    for _ in range(11):
        admin.post(f"{API}/invitations", json={"roles": ["player"]})
    path = f"{PLATFORM}/{tenant_of(admin)}"
    operator = steps.operator()
    page = read(operator, path)
    assert page.count("Somebody invited") == 10
    assert "All of it: 12 changes" in page
    assert f'href="{PLATFORM}/audit?tenant={tenant_of(admin)}"' in operator.get(path).text


def test_an_administrator_reads_what_was_done_in_words_and_finds_one_kind(steps: Steps) -> None:
    admin = steps.administrator()
    person = steps.colleague(admin)
    path = f"{API}/people/{person['person_id']}"
    admin.patch(path, json={"roles": ["player"]}, headers={"If-Match": admin.get(path).headers["ETag"]})
    page = read(admin, "/identity/audit", FRENCH)
    assert "Compte modifié · Ana Organisation → Jeu" in page
    assert "Invitation envoyée" in page
    assert not re.search(r"[a-z]_[a-z]", page), "no name of the code"
    found = read(admin, "/identity/audit?action=person_changed")
    assert "Person changed" in found
    assert "Somebody invited" not in found
    assert "Tenant founded" in read(admin, "/identity/audit?action=nonsense")


def test_an_administrator_reads_that_an_operator_suspended_and_not_who(steps: Steps) -> None:
    admin = steps.administrator()
    path = f"{PLATFORM}/{tenant_of(admin)}"
    operator = steps.operator()
    operator.post(f"{path}/suspend")
    operator.post(f"{path}/resume")
    page = read(admin, "/identity/audit")
    assert re.search(r"Tenant reopened · École des Lilas [^·]+ · by an operator", page)
    assert "Op " not in page


def test_what_a_person_left_behind_names_nobody(steps: Steps) -> None:
    admin = steps.administrator()
    person = steps.colleague(admin)
    admin.delete(f"{API}/people/{person['person_id']}")
    for client, path in ((admin, "/identity/audit"), (steps.operator(), f"{PLATFORM}/audit")):
        assert "Person removed " in read(client, path)
        assert "Ana" not in read(client, path)


def recorded(path: Any) -> Iterator[ast.expr]:
    """The actions that a module of ours records by itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
            yield from (
                [node.args[1].body, node.args[1].orelse] if isinstance(node.args[1], ast.IfExp) else [node.args[1]]
            )


def heard() -> Iterator[str]:
    """The actions that `events.py` makes of facts: those of a fact with a revision may be told anew, as a change."""
    tree = ast.parse((ROOT / "services/identity/events.py").read_text(encoding="utf-8"))
    for table in (node for node in ast.walk(tree) if isinstance(node, ast.Dict)):
        for key, made in zip(table.keys, table.values, strict=True):
            if isinstance(made, ast.Call) and ast.unparse(made.func) == "add_entries":
                action = ast.literal_eval(made.args[0])
                yield action
                if "revision" in getattr(contracts, ast.unparse(key or made)).__struct_fields__:
                    yield f"{action.partition('_')[0]}_changed"


def test_every_action_that_is_recorded_anywhere_has_words_in_both_languages() -> None:
    found = set(heard())
    assert found >= {"league_created", "league_changed"}
    for path in (ROOT / "services").rglob("*.py"):
        for action in recorded(path):
            assert isinstance(action, ast.Constant), f"{path}:{action.lineno}: name the action where it is recorded"
            found.add(str(action.value))
    assert found == ACTIONS.keys()
    for text in (*ACTIONS.values(), *SUBJECTS.values(), *FIELDS.values()):
        assert translate(text, "fr") != text


@pytest.mark.parametrize(
    "path", [PLATFORM, f"{PLATFORM}/audit", f"{PLATFORM}/{{tenant}}", f"{PLATFORM}/{{tenant}}/suspend"]
)
def test_a_name_that_is_code_is_text_on_the_operators_pages(steps: Steps, path: str) -> None:
    admin = steps.administrator(name="<script>alert(1)</script>")
    page = steps.operator().get(path.format(tenant=tenant_of(admin)))
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


def test_the_page_of_a_tenant_and_the_one_that_asks_before_suspending_show_what_it_plays(steps: Steps) -> None:
    lilas = tenant_of(steps.administrator())
    operator = steps.operator()
    piece = f'hx-get="/ranking/fragments/tenants/{lilas}"'
    assert piece in operator.get(f"{PLATFORM}/{lilas}").text
    assert piece in operator.get(f"{PLATFORM}/{lilas}/suspend").text
    assert "/ranking/fragments/tenants/" not in operator.get(f"{PLATFORM}/{PLATFORM_TENANT_ID}").text
