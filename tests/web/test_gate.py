"""No data without a login, no action without a token, the right host and --allow-actions; over a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from perpbook.web.doors import LINK_NS, SESSION_NS
from perpbook.web.gate import HEADERS, LINK, LOGIN, LOGOUT
from perpbook.web.server import PAGES
from tests.web.inboxes import HOSTILE, Served, a_proposal, fill, places_in, served

READS = [
    "/api/state", "/api/proposals", "/api/proposals/" + "a" * 64, "/api/journal", "/api/journal/verify", "/api/events",
]  # fmt: skip
ACTS = [
    f"/api/proposals/{'a' * 64}/approve", f"/api/proposals/{'a' * 64}/deny", "/api/incidents/acknowledge", "/api/halt",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("gate")
    fill(places_in(made), a_proposal())
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    with served(places_in(folder)) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_was_done(folder: Path) -> Iterator[None]:
    yield
    assert not list(folder.rglob("*.word")) and not list(folder.rglob("halt"))


def test_these_are_all_the_routes(server: Served) -> None:
    routes = [one for one in server.web.app.app.routes if isinstance(one, APIRoute)]  # type: ignore[attr-defined]
    paths = {one.path.replace("{digest}", "a" * 64) for one in routes}
    assert paths == {*PAGES, *READS, *ACTS, LOGIN, LOGOUT, LINK}


@pytest.mark.parametrize("path", [*READS, "/docs", "/openapi.json", "/api/nothing", "/page/../inbox.js"])
@pytest.mark.parametrize(
    "headers", [{}, {"Cookie": "perpbook_1=x"}, {"Authorization": "Bearer x"}, {"Authorization": "x"}]
)
def test_a_stranger_reads_nothing(server: Served, path: str, headers: dict[str, str]) -> None:
    status, found, _ = server.stranger.ask("GET", path, headers=headers)
    assert status == 401 and found["data"] is None and HOSTILE not in str(found)


@pytest.mark.parametrize("path", [*ACTS, LOGOUT, LINK])
def test_a_stranger_does_nothing(server: Served, path: str) -> None:
    assert server.stranger.post(path)[0] == 401
    assert server.stranger.post(path, X_Perpbook_Token="x", Authorization="Bearer \xff")[0] == 401


def test_a_cookie_alone_does_nothing(folder: Path) -> None:
    with served(places_in(folder)) as server:
        person, secret = server.person(), server.program.post(LINK)[1]["data"]["secret"]
        of_another = server.stranger.post(LOGIN, {"secret": secret})[1]["data"]["token"]
        for path in (*ACTS, LOGOUT, LINK):
            for wrong in (None, "", of_another, person.headers["X-Perpbook-Token"][:-1]):
                assert person.post(path, X_Perpbook_Token=wrong)[0] == 403
        assert person.get("/api/state")[0] == 200


def test_a_server_that_shows_does_nothing(folder: Path) -> None:
    with served(places_in(folder), allow_actions=False) as server:
        for client in (server.person(), server.program):
            for path in ACTS:
                status, found, _ = client.post(path, {"level": "pause", "key": "late.1"})
                assert status == 403 and "--allow-actions" in found["errors"][0]["message"]
            assert client.get("/api/state")[1]["data"]["allow_actions"] is False


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{}", "[::1]:{}", "127.0.0.1:{}.x", ""]
)
def test_another_host_is_refused_even_with_a_token(server: Served, host: str) -> None:
    named = host.format(server.port)
    for path in ("/", "/inbox.js", "/api/state"):
        assert server.program.get(path, Host=named)[0] == 421
    assert server.program.post("/api/halt", {"level": "pause"}, Host=named)[0] == 421


def test_a_request_without_a_host_is_refused(server: Served) -> None:
    assert server.program.get("/api/state", Host=None)[0] in (400, 421)


def test_this_machine_has_two_names(server: Served) -> None:
    assert server.program.get("/api/state", Host=f"localhost:{server.port}")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": "https://127.0.0.1:{}"},
        {"Origin": "http://127.0.0.1:1"}, {"Origin": "http://127.0.0.1:{}.evil"}, {"Origin": "http://localhost:{}"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ],
)  # fmt: skip
def test_a_page_of_another_origin_is_refused_even_with_a_token(server: Served, headers: dict[str, str]) -> None:
    sent = {name: value.format(server.port) for name, value in headers.items()}
    assert server.program.ask("POST", "/api/halt", {"level": "pause"}, sent)[0] == 403
    assert server.program.ask("GET", "/api/state", headers=sent)[0] == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(server: Served, method: str) -> None:
    assert server.program.ask(method, "/api/halt")[0] == 405


def test_an_action_is_json_of_a_known_small_length(server: Served) -> None:
    halt = {"level": "pause"}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
        assert server.program.ask("POST", "/api/halt", halt, {"Content-Type": kind})[0] == 415
    assert server.program.post("/api/halt", halt, Content_Length="20000")[0] == 413
    for length in ("", "-1", "1e3", "9" * 5_000):
        assert server.program.post("/api/halt", halt, Content_Length=length)[0] in (400, 411, 413)


@pytest.mark.parametrize(
    "body", [{"level": 1}, {"level": "fly"}, {"level": "pause", "also": 1}, {}, [], "pause", {"level": "none"}]
)
def test_a_body_that_is_none_is_refused_and_not_repeated(server: Served, body: object) -> None:
    status, found, _ = server.program.post("/api/halt", body)
    assert status == 400 and not found["ok"] and "also" not in str(found).replace("body.also", "")


def test_the_link_works_once_and_the_cookie_is_strict(folder: Path) -> None:
    with served(places_in(folder)) as server:
        secret = server.web.login.split("#login=")[1]
        assert "?" not in server.web.login
        status, _, headers = server.stranger.post(LOGIN, {"secret": secret})
        assert status == 200 and {"httponly", "samesite=strict"} <= set(headers["set-cookie"].lower().split("; "))
        status, _, headers = server.stranger.post(LOGIN, {"secret": secret})
        assert status == 401 and "set-cookie" not in headers


def test_an_old_link_and_an_old_session_are_refused(folder: Path) -> None:
    with served(places_in(folder)) as server:
        server.ahead[0] = LINK_NS
        assert server.stranger.post(LOGIN, {"secret": server.web.login.split("=")[1]})[0] == 401
        secret = server.program.post(LINK)[1]["data"]["secret"]
        _, found, headers = server.stranger.post(LOGIN, {"secret": secret})
        cookie = headers["set-cookie"].split(";")[0]
        assert server.stranger.get("/api/state", Cookie=cookie)[0] == 200
        server.ahead[0] = LINK_NS + SESSION_NS
        assert server.stranger.get("/api/state", Cookie=cookie)[0] == 401
        assert found["data"]["token"]


def test_who_leaves_is_out(folder: Path) -> None:
    with served(places_in(folder)) as server:
        person = server.person()
        assert person.get("/api/state")[0] == 200 and person.post(LOGOUT)[0] == 200
        assert person.get("/api/state")[0] == 401 and person.post("/api/halt", {"level": "pause"})[0] == 401


@pytest.mark.parametrize("path", [*PAGES, "/api/state", "/api/nothing", "/api/journal?last=0"])
def test_every_answer_is_closed_to_frames_caches_and_foreign_script(server: Served, path: str) -> None:
    for client in (server.stranger, server.program):
        _, _, headers = client.get(path)
        assert {name: headers.get(name) for name in HEADERS} == HEADERS
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";"))
    assert (
        policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
    )
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_the_pages_have_no_script_inside_and_make_no_markup_of_text() -> None:
    folder = files("perpbook.web").joinpath("page")
    html = folder.joinpath("index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", html)
    for name in ("inbox.js", "draw.js", "asking.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|DOMParser",
            folder.joinpath(name).read_text(),
        )


def test_secrets_are_nobodys_to_see(server: Served, folder: Path) -> None:
    token = server.web.token_file.read_text()
    assert server.web.token_file.stat().st_mode & 0o077 == 0
    assert token not in repr(server.web) and server.web.login.split("=")[1] not in repr(server.web)
    holders = [path for path in folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert [path for path in holders if path != server.web.token_file] == []


def test_the_token_goes_when_the_server_does(folder: Path) -> None:
    with served(places_in(folder)) as server:
        assert server.web.token_file.is_file()
    assert not server.web.token_file.exists()
