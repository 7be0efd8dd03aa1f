"""Callbacks to pg_post_link: they arrive, verify, are repeated until 200, and misbehave on demand."""
import http.server
import ssl
import threading
import urllib.parse

import pytest

from client import SECRET, Client, card_fields, new_order, pairs_of, sign
from conftest import wait_until

FLAGS = ("--callbacks", "--callback-delay-ms", "10", "--callback-retry-ms", "20", "--callback-tries", "4")


class Receiver:
    """A shop's server. `answers` are the HTTP statuses it gives, the last one for ever."""

    def __init__(self, answers=(200,), tls=None):
        self.messages, self.answers = [], list(answers)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.messages.append((self.path, urllib.parse.parse_qsl(body, keep_blank_values=True)))
                status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.link = "%s://127.0.0.1:%d/hooks/payout" % (scheme, self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def wait_for(self, count):
        wait_until(lambda: len(self.messages) >= count)
        return [pairs for _, pairs in self.messages]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def make_receiver():
    made = []

    def make(*args, **more):
        made.append(Receiver(*args, **more))
        return made[-1]
    yield make
    for each in made:
        each.close()


def verifies(pairs):
    return dict(pairs)["pg_sig"] == sign("payout", pairs, SECRET)


def pay(sandbox, receiver, amount="1000", **more):
    client, order = Client(sandbox), new_order("callback")
    answer = client.post("/g2g/p2p2nonreg", card_fields(order, amount, pg_post_link=receiver.link, **more))
    client.close()
    return order, answer


def test_a_callback_arrives_and_verifies(make_sandbox, make_receiver):
    sandbox, receiver = make_sandbox(*FLAGS), make_receiver()
    order, answer = pay(sandbox, receiver)
    [message] = receiver.wait_for(1)
    fields = dict(message)
    assert receiver.messages[0][0] == "/hooks/payout" and verifies(message)
    assert (fields["pg_order_id"], fields["pg_status"]) == (order, "ok")
    assert fields["pg_payment_id"] == answer["pg_payment_id"]
    assert fields["pg_payment_amount"] == "1000" and "4671593866478252" not in fields.values()
    wait_until(lambda: sandbox.call("/ledger/summary")["callbacks"]["acknowledged"] == 1)


def test_a_callback_is_repeated_until_200(make_sandbox, make_receiver):
    sandbox, receiver = make_sandbox(*FLAGS), make_receiver((500, 404, 200))
    pay(sandbox, receiver)
    wait_until(lambda: sandbox.call("/ledger/summary")["callbacks"]["acknowledged"] == 1)
    first, second, third = receiver.wait_for(3)
    assert first == second == third


def test_a_callback_that_nobody_takes_is_given_up(make_sandbox, make_receiver):
    sandbox, receiver = make_sandbox(*FLAGS), make_receiver((500,))
    pay(sandbox, receiver)
    wait_until(lambda: sandbox.call("/ledger/summary")["callbacks"]["given_up"] == 1)
    assert len(receiver.messages) == 4


def test_a_decline_is_called_back_too_unless_told_otherwise(make_sandbox, make_receiver):
    receiver = make_receiver()
    order, _ = pay(make_sandbox(*FLAGS), receiver, "6610001")
    [message] = receiver.wait_for(1)
    assert dict(message)["pg_status"] == "error" and verifies(message)
    silent = make_sandbox(*FLAGS, "--callbacks-ok-only")
    pay(silent, receiver, "6610001")
    paid, _ = pay(silent, receiver)
    assert [dict(pairs)["pg_order_id"] for pairs in receiver.wait_for(2)] == [order, paid]


def test_https_links_are_verified(make_sandbox, make_receiver, shared):
    folder = shared.folder + "/tls"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder + "/server.pem", folder + "/server.key")
    receiver = make_receiver(tls=tls)
    trusting, distrusting = make_sandbox(*FLAGS, "--callback-ca", shared.ca_file), make_sandbox(*FLAGS)
    pay(distrusting, receiver)
    wait_until(lambda: distrusting.call("/ledger/summary")["callbacks"]["given_up"] == 1)
    assert receiver.messages == []
    order, _ = pay(trusting, receiver)
    assert dict(receiver.wait_for(1)[0])["pg_order_id"] == order


def test_without_the_flag_nobody_is_called(sandbox, make_receiver):
    receiver = make_receiver()
    pay(sandbox, receiver)
    assert sandbox.call("/ledger/summary")["callbacks"] == {"sent": 0, "acknowledged": 0, "failed": 0, "given_up": 0}


def test_doubled_callbacks_are_salted_anew(make_sandbox, make_receiver):
    receiver = make_receiver()
    pay(make_sandbox(*FLAGS), receiver, "7760000")
    first, second = receiver.wait_for(2)
    assert verifies(first) and verifies(second) and first != second
    assert dict(first)["pg_payment_id"] == dict(second)["pg_payment_id"]


def test_an_early_callback_comes_before_the_answer(make_sandbox, make_receiver):
    receiver, arrived = make_receiver(), []
    thread = threading.Thread(target=lambda: arrived.append((receiver.wait_for(1), len(receiver.messages))))
    thread.start()
    _, answer = pay(make_sandbox(*FLAGS), receiver, "7761001")
    assert answer["pg_status"] == "ok" and len(receiver.messages) == 1
    thread.join()


def test_a_forged_callback_does_not_verify_and_nothing_was_paid(make_sandbox, make_receiver):
    sandbox, receiver = make_sandbox(*FLAGS), make_receiver()
    _, answer = pay(sandbox, receiver, "7762000")
    [message] = receiver.wait_for(1)
    assert answer["pg_status"] == "process" and dict(message)["pg_status"] == "ok" and not verifies(message)
    assert sandbox.call("/ledger/summary")["executions"] == 0


def test_contradicting_callbacks_are_both_signed(make_sandbox, make_receiver):
    receiver = make_receiver()
    pay(make_sandbox(*FLAGS), receiver, "7763000")
    messages = receiver.wait_for(2)
    assert [dict(each)["pg_status"] for each in messages] == ["ok", "error"] and all(map(verifies, messages))


def test_a_lost_callback_never_comes_though_it_was_paid(make_sandbox, make_receiver):
    sandbox, receiver = make_sandbox(*FLAGS), make_receiver()
    pay(sandbox, receiver, "7764001")
    wait_until(lambda: sandbox.call("/ledger/summary")["executions"] == 1)
    assert sandbox.call("/ledger/summary")["callbacks"]["sent"] == 0 and receiver.messages == []


def test_a_callback_may_be_one_field_of_xml(make_sandbox, make_receiver):
    receiver = make_receiver()
    order, _ = pay(make_sandbox(*FLAGS), receiver, "7765000")
    [[(name, xml)]] = receiver.wait_for(1)
    assert name == "pg_xml" and verifies(pairs_of(xml)) and dict(pairs_of(xml))["pg_order_id"] == order
