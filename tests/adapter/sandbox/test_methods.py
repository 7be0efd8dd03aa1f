"""Every method, signed and verified; every documented test payee; what is refused."""
import json
import os
import subprocess

import pytest

from client import (IBAN, MERCHANT, Client, card_fields, iban_fields, multipart, new_order, sign, token_fields,
                    urlencoded)
from conftest import OTHER, wait_until

VECTORS = [
    ("payment.php", [("a", "test1"), ("c", "test3")], "rofoneqaxujagexi", "27a5edfcb35e2fa44c9adef6994af3f0"),
    ("payment.php", [("foo", "1"), ("foo", "2")], "rofoneqaxujagexi", "329102fce0b6b85fbd319abd69550447"),
    ("check", [("a", "Товар передан покупателю"), ("b", "salt"), ("c", "ok")], "secret_key",
     "173d9dec3eed87c273886e17afaf8fbe"),
    ("p2p2nonreg", [("pg_amount", "1000"), ("pg_card_name", "John Doe"), ("pg_currency", "KZT"),
                    ("pg_description", "Payment description"), ("pg_merchant_id", "9970"), ("pg_order_id", "ORD12345"),
                    ("pg_payment_to", "4671593866478252"), ("pg_post_link", "https://site.com/post"),
                    ("pg_salt", "YtfwCGiBHsFLpYGk")], "test_payout_key", "3ff484aaad1e998e128e22b08ba71807"),
]


@pytest.mark.parametrize("script, pairs, secret, wanted", VECTORS)
def test_the_signature_of_this_test_is_the_documented_one(script, pairs, secret, wanted):
    assert sign(script, pairs, secret) == wanted


@pytest.mark.parametrize("encode", [urlencoded, multipart])
@pytest.mark.parametrize("path, fields_of", [
    ("/g2g/p2p2nonreg", card_fields), ("/api/reg2reg", token_fields), ("/g2g/reg2reg", token_fields),
    ("/api/to_iban", iban_fields)])
def test_a_payout_is_paid_once_and_its_answer_verifies(sandbox, client, path, fields_of, encode):
    order = new_order()
    answer = client.post(path, fields_of(order, "1000.50"), encode)
    assert answer.status == 200 and answer.is_signed_right
    assert (answer["pg_status"], answer["pg_order_id"], answer["pg_merchant_id"]) == ("ok", order, MERCHANT)
    assert answer["pg_payment_amount"] == "1000.50" and int(answer["pg_payment_id"]) > 0
    executions = sandbox.ledger()["executions"]
    assert [(each["order_id"], each["amount"]) for each in executions] == [(order, "1000.50")]


def test_the_card_answer_has_the_documented_fields_and_a_date_behind_the_signature(client):
    names = [name for name, _ in client.card(new_order()).pairs]
    assert names == ["pg_payment_id", "pg_merchant_id", "pg_order_id", "pg_status", "pg_balance", "pg_payment_amount",
                     "pg_payment_date", "pg_reference", "pg_salt", "pg_sig", "pg_datetime"]


def test_the_iban_answer_has_the_documented_fields(client):
    names = {name for name, _ in client.post("/api/to_iban", iban_fields(new_order())).pairs}
    assert names == {"pg_payment_id", "pg_merchant_id", "pg_status", "pg_order_id", "pg_payment_amount",
                     "pg_payment_date", "pg_salt", "pg_sig"}


@pytest.mark.parametrize("path", ["/g2g/payout_status2", "/api/payment_status2"])
def test_the_status_of_a_paid_order_is_success_under_the_same_payment_id(client, path):
    order = new_order()
    paid = client.card(order)
    answer = client.post(path, {"pg_order_id": order})
    assert answer.is_signed_right
    assert (answer["pg_status"], answer["pg_payment_status"]) == ("ok", "success")
    assert answer["pg_payment_id"] == paid["pg_payment_id"]
    by_id = client.post(path, {"pg_order_id": order, "pg_payment_id": paid["pg_payment_id"]})
    assert by_id["pg_payment_status"] == "success"


def test_an_unknown_order_has_payment_id_zero(client):
    answer = client.status(new_order())
    assert answer.is_signed_right and answer["pg_payment_id"] == "0" and answer["pg_payment_status"] is None


def test_the_balance_falls_by_what_was_paid_and_rises_by_a_top_up(sandbox, client):
    before = int(client.balance()["pg_balance"])
    client.card(new_order(), "250")
    assert int(client.balance()["pg_balance"]) == before - 250
    sandbox.top_up(MERCHANT, "50.25")
    answer = client.balance()
    assert answer.is_signed_right and answer["pg_balance"] == "%d.25" % (before - 200)


def test_a_merchant_without_money_gets_8888_until_it_is_topped_up(sandbox):
    client, order = Client(sandbox, *OTHER), new_order()
    assert client.card(order, "500.01")["pg_error_code"] == "8888"
    sandbox.top_up(OTHER[0], "1")
    assert client.card(order, "500.01")["pg_status"] == "ok"
    client.close()


@pytest.mark.parametrize("ending, card, code", [
    ("10000", "5325349472901311", "10000"), ("10001", "4556046085041740", "10001"),
    ("08888", "5543974702876045", "8888")])
def test_declining_payees_decline_and_move_nothing(sandbox, client, ending, card, code):
    answers = [client.card(new_order(), card=card),
               client.post("/api/reg2reg", token_fields(new_order(), token="00000000-0000-4000-8000-0000000" + ending)),
               client.post("/api/to_iban", iban_fields(new_order(), iban="KZ8099900000000" + ending))]
    for answer in answers:
        assert answer.is_signed_right and (answer["pg_status"], answer["pg_error_code"]) == ("error", code)
    assert sandbox.ledger()["executions"] == []


@pytest.mark.parametrize("path, fields, word", [
    ("/g2g/p2p2nonreg", lambda o: card_fields(o, card="5507841999732294"), "success"),
    ("/g2g/p2p2nonreg", lambda o: card_fields(o, card="4532676596620704"), "error"),
    ("/api/reg2reg", lambda o: token_fields(o, token="00000000-0000-4000-8000-000000000051"), "success"),
    ("/api/to_iban", lambda o: iban_fields(o, iban="KZ809990000000000052"), "error")])
def test_payees_in_process_reach_their_end_later(sandbox, client, path, fields, word):
    order = new_order()
    assert client.post(path, fields(order))["pg_status"] == "process"
    assert client.status(order)["pg_payment_status"] in ("process", word)
    wait_until(lambda: client.status(order)["pg_payment_status"] == word)
    assert len(sandbox.ledger()["executions"]) == (1 if word == "success" else 0)


def test_a_wrong_signature_is_1100_and_pays_nothing(sandbox, client):
    fields = client.signed("/g2g/p2p2nonreg", card_fields(new_order()))
    answer = client.post("/g2g/p2p2nonreg", None, pairs=fields[:-1] + [("pg_sig", "0" * 32)])
    assert answer["pg_error_code"] == "1100" and answer.is_signed_right
    unsigned = client.post("/g2g/p2p2nonreg", None, pairs=fields[:-1])
    assert unsigned["pg_error_code"] == "1100"
    changed = [(name, "9000" if name == "pg_amount" else value) for name, value in fields]
    assert client.post("/g2g/p2p2nonreg", None, pairs=changed)["pg_error_code"] == "1100"
    assert sandbox.ledger()["executions"] == []


def test_an_unknown_merchant_is_9998_and_the_answer_is_not_signed(sandbox):
    client = Client(sandbox, merchant="1")
    answer = client.balance()
    assert answer["pg_error_code"] == "9998" and answer["pg_sig"] is None
    client.close()


@pytest.mark.parametrize("change", [
    {"pg_payment_to": "123"}, {"pg_payment_to": "46715938664782a2"}, {"pg_amount": "0"}, {"pg_amount": "1,5"},
    {"pg_amount": "100000000"}, {"pg_amount": "1.234"}, {"pg_description": ""}, {"pg_user_id": "a b"},
    {"pg_post_link": ""}, {"pg_order_id": "x" * 51}])
def test_a_bad_field_is_an_error_and_pays_nothing(sandbox, client, change):
    answer = client.post("/g2g/p2p2nonreg", card_fields(new_order(), **change))
    assert (answer["pg_status"], answer["pg_error_code"]) == ("error", "2999") and answer.is_signed_right
    assert sandbox.ledger()["executions"] == []


@pytest.mark.parametrize("iban", ["KZ12341234123412341", "DE123412341234123412", IBAN.lower()])
def test_a_bad_iban_is_an_error(client, iban):
    assert client.post("/api/to_iban", iban_fields(new_order(), iban=iban))["pg_error_code"] == "2999"


def test_a_repeated_order_is_paid_again_and_seen(sandbox, client):
    order = new_order()
    ids = {client.card(order)["pg_payment_id"] for _ in range(2)}
    assert len(ids) == 2 and client.status(order)["pg_payment_id"] == max(ids, key=int)
    summary = sandbox.call("/ledger/summary")
    assert summary["orders_executed_twice"] == [order] and summary["executions"] == 2


def test_idempotent_gives_the_first_answer_again_and_pays_once(make_sandbox):
    sandbox = make_sandbox("--idempotent")
    client, order = Client(sandbox), new_order()
    assert len({client.card(order)["pg_payment_id"] for _ in range(2)}) == 1
    assert sandbox.call("/ledger/summary")["executions"] == 1
    client.close()


def test_unique_orders_refuses_the_second_with_9991(make_sandbox):
    sandbox = make_sandbox("--unique-orders")
    client, order = Client(sandbox), new_order()
    assert client.card(order)["pg_status"] == "ok"
    assert client.card(order)["pg_error_code"] == "9991"
    assert sandbox.call("/ledger/summary")["executions"] == 1
    client.close()


def test_payouts_that_come_too_fast_are_refused(make_sandbox):
    client = Client(make_sandbox("--pace-ms", "60000", "--pace-code", "1000"))
    assert client.card(new_order())["pg_status"] == "ok"
    assert client.card(new_order())["pg_error_code"] == "1000"
    client.close()


def test_the_ledger_counts_every_request_and_masks_the_payee(sandbox, client):
    order = new_order()
    client.card(order, "700")
    client.status(order)
    client.card(new_order())
    ledger = sandbox.call("/ledger?order=" + order)
    answered = [(each["method"], each["answered"]) for each in ledger["requests"]]
    assert answered == [("card", "ok"), ("status", "success")]
    assert ledger["orders"] == [{"merchant": MERCHANT, "order_id": order, "requests": 1, "executions": 1,
                                 "queries": 1, "state": "success"}]
    assert ledger["requests"][0]["destination"] == "467159******8252"
    assert "4671593866478252" not in json.dumps(sandbox.ledger())
    assert len(sandbox.call("/ledger?limit=1")["requests"]) == 1


def test_the_ledger_forgets_the_oldest_and_the_file_does_not(make_sandbox, tmp_path):
    file = tmp_path / "ledger.jsonl"
    sandbox = make_sandbox("--ledger-max", "100", "--ledger-file", str(file))
    client = Client(sandbox)
    for _ in range(130):
        client.card(new_order())
    ledger = sandbox.ledger()
    assert (ledger["requests_total"], ledger["requests_kept"], len(ledger["orders"])) == (130, 100, 100)
    assert ledger["executions_total"] == 130
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [sum(line["kind"] == kind for line in lines) for kind in ("request", "execution")] == [130, 130]
    client.close()


def test_the_page_shows_what_happened_and_escapes_it(sandbox, client):
    order = "<script>" + new_order()
    client.card(order)
    page = sandbox.call("/")
    assert order not in page and "&#60;script" in page


def run(*arguments):
    return subprocess.run([os.environ["PAYOUT_SANDBOX"], *arguments], capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("arguments", [("--port", "70000"), ("--nonsense",), ("extra",), ("--merchant", "no-secret"),
                                       ("--idempotent", "--unique-orders"), ("--topics", "a:0", "--kafka"),
                                       ("--listen", "nowhere"), ("--callback-ca", "missing.pem"),
                                       ("--merchant-file", "missing")])
def test_wrong_flags_are_named_and_end_with_64(arguments, tmp_path):
    done = run("--dir", str(tmp_path / "tls"), "--port", "0", "--admin-port", "0", *arguments)
    assert done.returncode == 64 and "payout-sandbox: " in done.stderr


def test_a_taken_port_is_said_and_ends_with_1(sandbox, tmp_path):
    done = run("--dir", str(tmp_path / "tls"), "--port", str(sandbox.port), "--admin-port", "0")
    assert done.returncode == 1 and "cannot listen on 127.0.0.1:%d" % sandbox.port in done.stderr


def test_help_and_faults_are_printed():
    assert "--idempotent" in run("--help").stdout and "7702PPP" in run("faults").stdout


def test_the_ready_file_says_where_and_goes_at_a_clean_end(make_sandbox):
    sandbox = make_sandbox("--kafka")
    with open(sandbox.ready_file) as stream:
        ready = json.load(stream)
    assert ready["gateway_url"] == sandbox.url and ready["admin_url"] == sandbox.admin_url
    assert ready["ca_file"] == os.path.realpath(sandbox.ca_file) and ":" in ready["kafka_bootstrap"]
    assert sandbox.shut_down() == 0 and not os.path.exists(sandbox.ready_file)


def test_certificates_are_kept_over_a_restart(make_sandbox):
    sandbox = make_sandbox()
    with open(sandbox.ca_file) as stream:
        before = stream.read()
    sandbox.shut_down()
    sandbox.start()
    with open(sandbox.ca_file) as stream:
        assert stream.read() == before
    client = Client(sandbox)
    assert client.balance()["pg_status"] == "ok"
    client.close()


def test_the_documentation_lists_every_fault():
    page = os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "SANDBOX.md")
    with open(page, encoding="utf-8") as stream:
        text = stream.read()
    rows = [line.split() for line in run("faults").stdout.splitlines() if line[:2] in ("77", "- ")]
    assert len(rows) > 50 and [row for row in rows if "`%s`" % row[1] not in text or row[0] not in text] == []
