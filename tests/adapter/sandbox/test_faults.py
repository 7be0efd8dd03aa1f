"""The magic amounts and the switches: each fault's answer, and what moved or did not move behind it."""
import http.client
import socket
import ssl
import time

import pytest

from client import Client, card_fields, new_order, pairs_of, sign
from conftest import wait_until

PATH = "/g2g/p2p2nonreg"


def executions(sandbox, order):
    return len(sandbox.call("/ledger?order=" + order)["executions"])


@pytest.mark.parametrize("amount, got, end, paid", [
    ("7701000", b"", "silence", 1), ("7701001", b"", "closed", 1), ("7702000", b"", "reset", 1),
    ("7703000", b"", "closed", 1), ("7706000", b"HTTP/1.1 2", "closed", 1), ("7710000", b"", "silence", 0),
    ("7711000", b"", "reset", 0), ("7712000", b"", "closed", 0), ("7743001", b"", "reset", 0),
    ("7744002", b"", "reset", 0), ("7753002", b"", "reset", 1), ("7754002", b"", "reset", 1)])
def test_an_answer_that_does_not_come(sandbox, client, amount, got, end, paid):
    order = new_order()
    assert client.raw(PATH, card_fields(order, amount)) == (got, end)
    assert executions(sandbox, order) == paid


@pytest.mark.parametrize("amount, paid", [("7705000", 1), ("7715000", 0)])
def test_an_answer_that_stops_in_the_middle(sandbox, client, amount, paid):
    order = new_order()
    with pytest.raises(http.client.IncompleteRead):
        client.card(order, amount)
    assert executions(sandbox, order) == paid


@pytest.mark.parametrize("amount, status, paid", [
    ("7704000", 502, 1), ("7704404", 404, 1), ("7713000", 503, 0), ("7713401", 401, 0), ("7713404", 404, 0),
    ("7713407", 407, 0), ("7713429", 429, 0), ("7714307", 307, 0), ("7714000", 302, 0)])
def test_a_box_in_between_answers(sandbox, client, amount, status, paid):
    order = new_order()
    answer = client.card(order, amount)
    assert answer.status == status and executions(sandbox, order) == paid
    if status in (302, 307):
        assert answer.headers["Location"] == PATH


@pytest.mark.parametrize("code", ["10001", "8888", "9999", "1100", "10006", "11000", "9991"])
def test_any_error_code_comes_by_amount_and_moves_nothing(sandbox, client, code):
    order = new_order()
    answer = client.card(order, "66%05d" % int(code))
    assert answer.is_signed_right and (answer["pg_status"], answer["pg_error_code"]) == ("error", code)
    assert executions(sandbox, order) == 0
    assert (answer["pg_payment_id"] is not None) == (int(code) >= 10000)
    status = client.status(order)
    assert status["pg_payment_status"] == ("error" if int(code) >= 10000 else None)


def test_an_error_is_said_though_it_was_paid(sandbox, client):
    order = new_order()
    answer = client.card(order, "6709999")
    assert answer.is_signed_right and answer["pg_error_code"] == "9999" and executions(sandbox, order) == 1
    assert client.status(order)["pg_payment_status"] == "success"


@pytest.mark.parametrize("amount, field, wrong", [
    ("7721000", "pg_order_id", "another-order"), ("7722000", "pg_payment_amount", "7722001"),
    ("7723000", "pg_merchant_id", "1"), ("7725000", "pg_status", "accepted")])
def test_a_signed_answer_for_something_else(sandbox, client, amount, field, wrong):
    order = new_order()
    answer = client.card(order, amount)
    assert answer.is_signed_right and answer[field] == wrong and executions(sandbox, order) == 1


def test_signatures_go_wrong_or_missing(sandbox, client):
    wrong, none = client.card(new_order(), "7720000"), client.card(new_order(), "7724000")
    assert len(wrong["pg_sig"]) == 32 and not wrong.is_signed_right
    assert none["pg_status"] == "ok" and none["pg_sig"] is None


def test_a_field_comes_twice_and_is_signed(client):
    answer = client.card(new_order(), "7726000")
    assert [value for name, value in answer.pairs if name == "pg_status"] == ["ok", "error"] and answer.is_signed_right


@pytest.mark.parametrize("amount, holds", [
    ("7727000", lambda a: b"\xcf\xee" in a.body and b"utf-8" in a.body),
    ("7728000", lambda a: a.headers["Content-Encoding"] == "gzip" and a.body[:2] == b"\x1f\x8b"),
    ("7729003", lambda a: len(a.body) > 3 * 1024 * 1024),
    ("7730500", lambda a: a.body.count(b"<a>") == 500),
    ("7731000", lambda a: b"<!ENTITY a9" in a.body and b"&a9;" in a.body),
    ("7732000", lambda a: a.status == 200 and b"<!doctype html>" in a.body),
    ("7733000", lambda a: a.status == 200 and a.body == b""),
    ("7734000", lambda a: a.body.find(b"<root>") > 0 and a.is_signed_right)])
def test_an_odd_body_after_a_payment(sandbox, client, amount, holds):
    order = new_order()
    assert holds(client.card(order, amount)) and executions(sandbox, order) == 1
    assert client.card(new_order())["pg_status"] == "ok"  # the connection serves on


def test_an_informational_answer_comes_first(client):
    received, _ = client.raw(PATH, card_fields(new_order(), "7735102"))
    assert received.startswith(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("amount", ["7740001", "7742001", "7741001"])
def test_a_slow_answer_is_a_good_one(sandbox, client, amount):
    began, order = time.monotonic(), new_order()
    answer = client.card(order, amount)
    assert time.monotonic() - began >= 0.3 and answer.is_signed_right and answer["pg_status"] == "ok"
    assert executions(sandbox, order) == 1


def test_a_slow_execution_happens_though_the_caller_has_gone(sandbox):
    impatient, order = Client(sandbox, timeout=0.2), new_order()
    with pytest.raises(OSError):
        impatient.card(order, "7742001")
    assert executions(sandbox, order) == 0
    wait_until(lambda: executions(sandbox, order) == 1)


def test_a_late_execution_comes_after_no_such_payment(sandbox, client):
    order = new_order()
    client.raw(PATH, card_fields(order, "7743001"))
    assert client.status(order)["pg_payment_id"] == "0"
    wait_until(lambda: client.status(order)["pg_payment_status"] == "success")
    assert executions(sandbox, order) == 1


def words(client, order, count):
    answers = [client.status(order) for _ in range(count)]
    assert all(each.is_signed_right for each in answers)
    return [each["pg_payment_status"] or each["pg_payment_id"] for each in answers]


@pytest.mark.parametrize("amount, answered, wanted, paid", [
    ("7744002", None, ["0", "0", "success"], 1),
    ("7750000", "process", ["process"] * 3, 0),
    ("7751002", "process", ["process", "process", "success", "success"], 1),
    ("7752001", "process", ["process", "error", "error"], 0),
    ("7753002", None, ["0", "0", "success"], 1),
    ("7754004", None, ["0", "process", "0", "process", "success"], 1),
    ("7756001", "process", ["error", "success"], 1)])
def test_status_queries_see_the_plan(sandbox, client, amount, answered, wanted, paid):
    order = new_order()
    if answered is None:
        client.raw(PATH, card_fields(order, amount))
    else:
        assert client.card(order, amount)["pg_status"] == answered
    assert words(client, order, len(wanted)) == wanted and executions(sandbox, order) == paid


# --- switches ---

def test_a_switch_counts_down(sandbox, client):
    sandbox.fault("http", argument=502, count=2, on="payout")
    assert client.balance().status == 200
    assert [client.card(new_order()).status for _ in range(3)] == [502, 502, 200]


def test_switches_that_are_over_make_room_for_others(sandbox):
    names = ["silence", "reset", "close", "http", "redirect", "truncated", "unsigned", "html", "empty", "huge", "deep",
             "slow", "drip", "pending", "flapping", "status-lag", "other-root", "odd-word", "gzip-noise"]
    assert len(names) > 16  # so many may be on at one time
    for name in names:
        sandbox.fault(name, count=0)
    assert [each["fault"] for each in sandbox.call("/faults")["faults"]] == names[-1:]


def test_a_switch_of_queries_spoils_queries_only(sandbox, client):
    sandbox.call("/faults", {"mode": "bad-signature", "on": "status"})
    order = new_order()
    assert client.card(order).is_signed_right and not client.status(order).is_signed_right
    sandbox.clear_faults()
    assert client.status(order).is_signed_right


def test_a_probability_is_repeated_by_the_seed(make_sandbox):
    seen = []
    for seed in ("7", "7", "8"):
        sandbox = make_sandbox("--seed", seed)
        sandbox.fault("http", argument=500, probability=0.5, on="balance")
        client = Client(sandbox)
        seen.append([client.balance().status for _ in range(40)])
        client.close()
    assert seen[0] == seen[1] != seen[2] and set(seen[0]) == {200, 500}


def test_502_for_everything_and_errors_on_queries(sandbox, client):
    sandbox.fault("http", argument=502)
    order = new_order()
    assert {client.card(order).status, client.status(order).status, client.balance().status} == {502}
    sandbox.clear_faults()
    sandbox.fault("error", argument=9999)
    assert client.balance()["pg_error_code"] == client.card(order)["pg_error_code"] == "9999"


def test_latency_is_added_at_run_time(sandbox, client):
    sandbox.fault("latency", argument=200, jitter_ms=10)
    began = time.monotonic()
    assert client.balance().is_signed_right and time.monotonic() - began >= 0.2


def test_an_outage_refuses_and_ends_by_itself(sandbox, client):
    assert client.balance()["pg_status"] == "ok"
    sandbox.fault("outage", for_ms=700)
    with pytest.raises(OSError):
        client.balance()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", sandbox.port), 2)

    def works_again():
        try:
            return client.balance()["pg_status"] == "ok"
        except OSError:
            return False
    wait_until(works_again)


@pytest.mark.parametrize("name, error", [
    ("reset-on-accept", ConnectionResetError), ("untrusted-certificate", ssl.SSLCertVerificationError),
    ("close-on-accept", (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLError)),
    ("handshake-silence", TimeoutError)])
def test_a_connection_that_comes_to_nothing(sandbox, name, error):
    sandbox.fault(name, count=1)
    client, order = Client(sandbox, timeout=1), new_order()
    with pytest.raises(error):
        client.card(order)
    assert executions(sandbox, order) == 0 and client.card(order)["pg_status"] == "ok"
    client.close()


@pytest.mark.parametrize("body", [{}, {"fault": "nonsense"}, {"fault": "http", "probability": 2},
                                  {"fault": "http", "x": 1}, {"fault": "http", "count": -1},
                                  {"fault": "http", "on": "mars"}])
def test_a_wrong_switch_is_refused(sandbox, body):
    from process import ServerFailed
    with pytest.raises(ServerFailed, match="400"):
        sandbox.call("/faults", body)
    assert sandbox.call("/faults") == {"faults": []}


def test_tls_verifies_the_name_and_sessions_are_resumed(sandbox):
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for wanted in (False, True):
        with socket.create_connection(("127.0.0.1", sandbox.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as link:
                assert link.session_reused == wanted
                session = link.session
    with socket.create_connection(("127.0.0.1", sandbox.port)) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname="api.freedompay.kz")


def test_pairs_are_read_and_signed_as_documented():
    pairs = pairs_of("<response><b>2</b><a>1&amp;</a></response>")
    assert sign("s", pairs, "k") == sign("s", [("a", "1&"), ("b", "2")], "k")
