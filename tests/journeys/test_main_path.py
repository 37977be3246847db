"""The main path, as each of those who walk it: a school, a company, the community, an operator."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from shared.database import new_id
from tests.journeys.conftest import Life
from tests.journeys.people import (
    HEARD,
    PASSWORD,
    Person,
    at_nine,
    challenge_for,
    found,
    founding,
    link_in_mail,
    sign_up,
)
from tests.journeys.waiting import eventually

NOBODY = new_id()
DOORS = ("identity/me", "leagues/leagues", f"ranking/players/{NOBODY}/position")
"""An address of each service that asks for a token; challenges asks for none."""
OPEN = [(200, None), (200, None), (404, "not_found")]


def doors(person: Person) -> list[tuple[int, str | None]]:
    """What the services say to a token."""
    answers = [person.ask("GET", address) for address in DOORS]
    return [(answer.status_code, None if answer.ok else answer.json()["code"]) for answer in answers]


@pytest.fixture
def operator(life: Life) -> Person:
    """Made on the command line, while the services run."""
    somebody = Person(life.url)
    arguments = ("create-operator", "--email", somebody.email, "--password-stdin")
    life.command("identity", *arguments, input=PASSWORD + "\n")
    return somebody.sign_in()


def test_a_school_plays(life: Life) -> None:
    head = found(life.url)
    teacher = head.invite("organiser", by_mail_in=life.mail_folder, name="Mme Diop")
    edition = head.open_edition()
    league = teacher.create_league(edition)
    pupils = teacher.add_players(league, "Renard", "Loutre", "Lynx", "Castor", "Héron", "Pie")
    challenge = challenge_for(teacher, "school")
    board = f"leagues/{league['league_id']}"

    acts = [
        {
            "completion_id": str(new_id()),
            "challenge_id": challenge["challenge_id"],
            "player_id": pupil["player_id"],
        }
        for pupil in pupils
    ]
    answers = teacher.post(f"leagues/{board}/completions", {"completions": acts}, status=200)
    assert [answer["status"] for answer in answers] == ["recorded"] * 6
    everybody = {pupil["player_id"]: challenge["points"] for pupil in pupils}
    teacher.sees(f"{board}/players", everybody)
    again = teacher.post(f"leagues/{board}/completions", {"completions": acts}, status=200)
    assert [answer["status"] for answer in again] == ["unchanged"] * 6

    moved, stays = pupils[0]["team_id"], next(p["team_id"] for p in pupils if p["team_id"] != pupils[0]["team_id"])
    change = {"team_id": stays}
    path = f"leagues/{board}/players/{pupils[0]['player_id']}"
    teacher.call("PATCH", path, change, headers={"If-Match": teacher.ask("GET", path).headers["ETag"]})
    sizes = {team["team_id"]: team["players"] for team in teacher.get(f"leagues/{board}/teams")}
    assert sizes == {moved: 2, stays: 4}
    assert teacher.post(f"leagues/{board}/teams/balance")["moved"] == 1
    teacher.sees(f"{board}/teams", {moved: 3 * challenge["points"], stays: 3 * challenge["points"]})

    teacher.delete(f"leagues/completions/{acts[0]['completion_id']}", status=204)
    teacher.sees(f"{board}/players", everybody | {pupils[0]["player_id"]: 0})
    teacher.sees(f"{board}/teams", {moved: 2 * challenge["points"], stays: 3 * challenge["points"]})
    kept = teacher.get("leagues/completions", params={"league_id": league["league_id"]})
    assert len(kept) == 5
    activity = teacher.get(f"leagues/{board}/activity", params={"lang": "fr"})
    assert {line["challenge"] for line in activity} == {challenge_title(teacher, challenge, "fr")}
    saved = teacher.get("ranking/impact", params={"league_id": league["league_id"]})
    assert saved["completions"] == 5


def challenge_title(person: Person, challenge: Any, language: str) -> str:
    found = person.get(f"challenges/challenges/{challenge['challenge_id']}", params={"lang": language})
    title: str = found["title"]
    return title


def test_a_company_plays(life: Life) -> None:
    hr = found(life.url, "company")
    edition = hr.open_edition()
    challenge = challenge_for(hr, "company")
    leagues = [hr.create_league(edition, name=name) for name in ("Étage 1", "Étage 2")]
    colleagues = [hr.invite("player", name=f"Collègue {number}") for number in range(3)]
    players = [
        colleague.join(leagues[min(number, 1)]["code"], f"Collègue {number}")
        for number, colleague in enumerate(colleagues)
    ]
    for colleague, player in zip(colleagues, players, strict=True):
        league = {"league_id": player["league_id"]}
        done = colleague.record(league, challenge)
        assert done["player_id"] == player["player_id"]
        refused = colleague.refused("PUT", f"leagues/completions/{new_id()}", league | _of(challenge))
        assert refused == (409, "cap_reached")
    colleagues[1].record({"league_id": players[1]["league_id"]}, challenge, day=at_nine(1)[:10])

    first, second = leagues[0]["league_id"], leagues[1]["league_id"]
    points = challenge["points"]
    hr.sees(f"editions/{edition['edition_id']}/leagues", {second: 3 * points, first: points})
    around = colleagues[0].board(
        f"editions/{edition['edition_id']}/leagues", measure="per_head", around=first, page_size=20
    )
    shown = {key: (line["place"], line["heads"], line["per_head"]) for key, line in around.items()}
    assert shown == {second: (1, 2, 1.5 * points), first: (2, 1, float(points))}
    colleagues[1].sees(
        f"leagues/{second}/players", {players[1]["player_id"]: 2 * points, players[2]["player_id"]: points}
    )
    position = colleagues[2].get(f"ranking/players/{players[2]['player_id']}/position")
    assert [line["place"] for line in position["league"]["standings"]] == [1, 2]
    other = hr.refused("GET", f"ranking/editions/{edition['edition_id']}/leagues", params={"around": str(new_id())})
    assert other[0] == 404


def _of(challenge: Any) -> dict[str, Any]:
    return {"challenge_id": challenge["challenge_id"]}


def test_an_operator_opens_an_edition_to_everybody_and_suspends_a_school(life: Life, operator: Person) -> None:
    edition = operator.open_edition(is_open=True, audience="everyone")
    tenants = [found(life.url), found(life.url, "company"), sign_up(life.url)]
    for number, leader in enumerate(tenants):
        kind = leader.signed_in["tenant"]["kind"]
        league = leader.create_league(edition, name=f"Ligue de {kind}")
        if kind == "community":
            player = leader.join(league["code"], "Zoé")
        else:
            [player] = leader.add_players(league, "Lynx")
        challenge = challenge_for(leader, kind)
        for day in range(number + 1):
            leader.record(league, challenge, player_id=player["player_id"], day=at_nine(day)[:10])
    path = f"editions/{edition['edition_id']}/tenants"
    anybody = Person(life.url)
    board = eventually(lambda: _complete(anybody.board(path), 3), HEARD)
    assert set(board) == {leader.tenant_id for leader in tenants}
    assert all(line["heads"] == 1 for line in board.values())

    school = tenants[0]
    operator.put(f"identity/tenants/{school.tenant_id}/suspension", status=204)
    eventually(lambda: doors(school) == [(403, "suspended")] * 3, 3)
    assert school.get("challenges/challenges")
    form = {"email": school.email, "password": PASSWORD}
    assert Person(life.url).refused("POST", "identity/sessions", form) == (403, "suspended")
    assert tenants[1].get("leagues/leagues"), "another tenant goes on"

    operator.delete(f"identity/tenants/{school.tenant_id}/suspension", status=204)
    eventually(lambda: doors(school) == OPEN, HEARD)


def _complete(board: dict[str, Any], contenders: int) -> dict[str, Any] | None:
    has_points = len(board) == contenders and all(line["points"] for line in board.values())
    return board if has_points else None


def test_a_player_of_the_community_creates_a_league_and_another_one_joins(life: Life, operator: Person) -> None:
    edition = operator.open_edition(is_open=True, audience="community")
    zoe, sacha = sign_up(life.url), sign_up(life.url, "Sacha")
    league = zoe.create_league(edition, name="Les Lucioles", is_open=True)
    link = zoe.get(f"leagues/leagues/{league['league_id']}")["join_link"]
    preview = sacha.get(f"leagues/join-codes/{link.rpartition('/')[2]}")
    assert preview["name"] == "Les Lucioles"
    players = [zoe.join(league["code"], "Zoé"), sacha.join(league["code"].lower(), "Sacha")]
    assert players[0]["team_id"] != players[1]["team_id"]
    challenge = challenge_for(zoe, "community")
    sacha.record(league, challenge)
    sacha.sees(
        f"leagues/{league['league_id']}/players",
        {players[0]["player_id"]: 0, players[1]["player_id"]: challenge["points"]},
    )
    body = {"league_id": league["league_id"], **_of(challenge), "player_id": players[0]["player_id"]}
    assert sacha.refused("PUT", f"leagues/completions/{new_id()}", body)[0] == 403


def test_a_person_of_two_tenants_chooses_at_sign_in(life: Life) -> None:
    somebody = found(life.url, name="École du Canal")
    first = somebody.tenant_id
    somebody.post("identity/tenants", founding(somebody, name="École du Port"), status=201)
    form = {"email": somebody.email, "password": PASSWORD}
    choices = {
        line["name"]: line["tenant_id"] for line in somebody.post("identity/sessions", form, status=200)["choices"]
    }
    assert set(choices) == {"École du Canal", "École du Port"}
    assert choices["École du Canal"] == first
    somebody.sign_in(tenant_id=choices["École du Port"])
    assert somebody.get("identity/me")["tenant"]["name"] == "École du Port"


def test_other_roles_end_the_tokens_of_before_everywhere(life: Life) -> None:
    head = found(life.url)
    teacher = head.invite("organiser")
    assert doors(teacher) == OPEN
    path = f"identity/people/{teacher.person_id}"
    etag = head.ask("GET", path).headers["ETag"]
    head.call("PATCH", path, {"roles": ["player"]}, headers={"If-Match": etag})
    eventually(lambda: doors(teacher) == [(401, "not_signed_in")] * 3, HEARD)
    teacher.use(teacher.post("identity/sessions/refresh", {"refresh_token": teacher.signed_in["refresh_token"]}))
    assert teacher.get("identity/me")["roles"] == ["player"]
    edition = head.open_edition()
    form = {"edition_id": edition["edition_id"], "name": "CM2"}
    assert teacher.refused("POST", "leagues/leagues", form) == (403, "forbidden")


def test_signing_out_ends_the_session_everywhere(life: Life) -> None:
    head = found(life.url)
    again = Person(life.url)
    again.email = head.email
    again.sign_in()
    head.delete("identity/sessions/current", status=204)
    eventually(lambda: doors(head) == [(401, "not_signed_in")] * 3, HEARD)
    assert (
        head.refused("POST", "identity/sessions/refresh", {"refresh_token": head.signed_in["refresh_token"]})[0] == 401
    )
    assert again.get("identity/me"), "the other session goes on"


def test_a_forgotten_password_is_reset_by_mail(life: Life) -> None:
    head = found(life.url)
    anybody = Person(life.url)
    anybody.post("identity/password-resets", {"email": head.email}, status=202)
    link = link_in_mail(life.mail_folder, head.email)
    new = {"token": link.rpartition("/")[2], "password": "quatre-hérissons-bleus-dansent"}
    anybody.post("identity/password-resets/confirmations", new, status=204)
    assert anybody.refused("POST", "identity/password-resets/confirmations", new)[0] in (404, 409, 410)
    eventually(lambda: head.refused("GET", "leagues/leagues") == (401, "not_signed_in"), HEARD)
    assert anybody.refused("POST", "identity/sessions", {"email": head.email, "password": PASSWORD})[0] == 401
    head.sign_in(password=new["password"])
    assert head.get("identity/me")


def test_a_completion_is_soon_on_the_board(life: Life, capsys: pytest.CaptureFixture[str]) -> None:
    head = found(life.url)
    league = head.create_league(head.open_edition())
    challenge = challenge_for(head, "school")
    path, delays = f"leagues/{league['league_id']}/players", []
    for player in head.add_players(league, *(f"Lynx {number}" for number in range(20))):
        head.record(league, challenge, player_id=player["player_id"])
        since = time.monotonic()
        eventually(lambda: head.points(path)[player["player_id"]] == challenge["points"], 5)  # noqa: B023
        delays.append(time.monotonic() - since)
    with capsys.disabled():
        median, most = statistics.median(delays) * 1000, max(delays) * 1000
        print(f"\na completion is on the board after {median:.0f} ms (median of {len(delays)}), {most:.0f} ms at most")


def test_a_frozen_board_does_not_leak(life: Life) -> None:
    head = found(life.url)
    challenge = challenge_for(head, "school")
    edition = head.open_edition(days_ago=-2, grace_days=14)
    league = head.create_league(edition)
    pupil = head.invite("player", name="Nour")
    nour = pupil.join(league["code"], "Nour")
    path = f"leagues/editions/{edition['edition_id']}"
    etag = head.ask("GET", path).headers["ETag"]
    past = {"starts_at": at_nine(30), "ends_at": at_nine(9), "registration_ends_at": at_nine(30)}
    assert head.call("PATCH", path, past, headers={"If-Match": etag})["phase"] == "grace"
    done = [pupil.record(league, challenge, day=at_nine(day)[:10]) for day in (10, 11)]
    boards = {
        f"leagues/{league['league_id']}/players": nour["player_id"],
        f"leagues/{league['league_id']}/teams": nour["team_id"],
        f"teams/{nour['team_id']}/players": nour["player_id"],
        f"editions/{edition['edition_id']}/leagues": league["league_id"],
        f"editions/{edition['edition_id']}/tenants": head.tenant_id,
    }
    before, after = 2 * challenge["points"], challenge["points"]
    for board, contender in boards.items():
        eventually(lambda: pupil.points(board)[contender] == before, HEARD)  # noqa: B023
    head.put(f"{path}/phase", {"phase": "frozen"})
    first = next(iter(boards))
    eventually(lambda: pupil.get(f"ranking/{first}")["view"] == "frozen", HEARD)
    body = {"league_id": league["league_id"], **_of(challenge), "day": at_nine(12)[:10]}
    assert pupil.refused("PUT", f"leagues/completions/{new_id()}", body)[0] == 409

    head.delete(f"leagues/completions/{done[0]['completion_id']}", status=204)
    for board, contender in boards.items():
        eventually(lambda: head.points(board)[contender] == after, HEARD)  # noqa: B023
        assert pupil.points(board)[contender] == before, board
        assert head.get(f"ranking/{board}")["view"] == "live"
        assert Person(life.url).refused("GET", f"ranking/{board}")[0] in (401, 404)
    position = pupil.get(f"ranking/players/{nour['player_id']}/position")
    assert (position["view"], position["league"]["standings"][0]["points"]) == ("frozen", before)
    assert pupil.get("ranking/impact", params={"league_id": league["league_id"]})["view"] == "frozen"

    head.put(f"{path}/phase", {"phase": "revealed"})
    for board, contender in boards.items():
        eventually(lambda: pupil.points(board)[contender] == after, HEARD)  # noqa: B023


def test_problems_speak_the_language_of_the_reader(life: Life) -> None:
    anybody = Person(life.url)
    french = anybody.ask("GET", "identity/me", headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})
    english = anybody.ask("GET", "identity/me", headers={"Accept-Language": "en"})
    assert french.headers["Content-Language"] == "fr"
    assert english.headers["Content-Language"] == "en"
    assert french.json()["code"] == english.json()["code"] == "not_signed_in"
    assert french.json()["title"] != english.json()["title"]
    for path in (
        f"identity/people/{NOBODY}",
        "challenges/challenges/x",
        "leagues/leagues/x",
        "ranking/teams/x/players",
    ):
        titles = {anybody.ask("GET", path, params={"lang": language}).json()["title"] for language in ("fr", "en")}
        assert len(titles) == 2, path
