"""A client of the gateway that knows docs/GATEWAY.md and shares no code with the sandbox or the worker."""
import hashlib
import http.client
import itertools
import re
import socket
import ssl
import urllib.parse
from xml.sax.saxutils import unescape

MERCHANT, SECRET = "9970", "test_payout_key"
CARD = "4671593866478252"
TOKEN = "00000000-0000-4000-8000-000000000000"
IBAN = "KZ123412341234123412"
TCP_CLOSE = 7  # linux/tcp_states.h
_numbers = itertools.count(1)


def sign(script, pairs, secret):
    """pg_sig over (name, value) pairs: sorted by name, in message order within a name."""
    values = [value for _, value in sorted(((n.encode(), v) for n, v in pairs if n != "pg_sig"), key=lambda p: p[0])]
    return hashlib.md5(";".join([script, *values, secret]).encode()).hexdigest()


def pairs_of(xml):
    """The fields of a flat answer, in order."""
    body = re.search(r"<(response|root)>(.*)</\1>", xml, re.S).group(2)
    return [(name, unescape(value)) for name, value in re.findall(r"<(\w+)>([^<]*)</\1>", body)]


class Answer:
    def __init__(self, status, headers, body, script, secret):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode("utf-8", "replace")
        self.script, self.secret = script, secret

    @property
    def pairs(self):
        return pairs_of(self.text)

    @property
    def is_signed_right(self):
        given = [value for name, value in self.pairs if name == "pg_sig"]
        return given == [sign(self.script, self.pairs, self.secret)]

    def __getitem__(self, name):
        return dict(self.pairs).get(name)


def new_order(prefix="order"):
    return "%s-%d" % (prefix, next(_numbers))


def card_fields(order, amount="1000", card=CARD, **more):
    return dict({"pg_order_id": order, "pg_amount": amount, "pg_currency": "KZT", "pg_description": "Выплата & co",
                 "pg_user_id": "u-1", "pg_payment_to": card, "pg_card_name": "John Doe",
                 "pg_post_link": "https://shop.example/hook"}, **more)


def token_fields(order, amount="1000", token=TOKEN):
    return {"pg_order_id": order, "pg_amount": amount, "pg_description": "d", "pg_user_id": "u-1",
            "pg_card_token_to": token, "pg_order_time_limit": "2030-01-01 00:00:00",
            "pg_post_link": "https://shop.example/hook"}


def iban_fields(order, amount="1000", iban=IBAN):
    return {"pg_order_id": order, "pg_amount": amount, "pg_recipient_iban": iban, "pg_recipient_iin": "880101300123",
            "pg_recipient_name": "Иван", "pg_recipient_kbe": "19", "pg_knp": "119", "pg_bank_bik": "KZZSAE",
            "pg_description": "d", "pg_post_link": "https://shop.example/hook"}


def multipart(pairs):
    parts = ["--x-boundary\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % pair for pair in pairs]
    return ("".join(parts) + "--x-boundary--\r\n").encode(), "multipart/form-data; boundary=x-boundary"


def urlencoded(pairs):
    return urllib.parse.urlencode(pairs).encode(), "application/x-www-form-urlencoded"


class Client:
    """One keep-alive connection; a broken one is made anew by the next call."""

    def __init__(self, sandbox, merchant=MERCHANT, secret=SECRET, timeout=10):
        self.sandbox, self.merchant, self.secret, self.timeout = sandbox, merchant, secret, timeout
        self.tls = ssl.create_default_context(cafile=sandbox.ca_file)
        self.connection = None

    def signed(self, path, fields):
        script = path.rsplit("/", 1)[1]
        pairs = list(dict({"pg_merchant_id": self.merchant, "pg_salt": "YtfwCGiBHsFLpYGk"}, **fields).items())
        return pairs + [("pg_sig", sign(script, pairs, self.secret))]

    def post(self, path, fields, encode=urlencoded, pairs=None):
        body, content_type = encode(pairs if pairs is not None else self.signed(path, fields))
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.sandbox.port, context=self.tls,
                                                          timeout=self.timeout)
        try:
            self.connection.request("POST", path, body, {"Content-Type": content_type})
            answer = self.connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read(), path.rsplit("/", 1)[1], self.secret)
        except Exception:
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def card(self, order, amount="1000", card=CARD, **more):
        return self.post("/g2g/p2p2nonreg", card_fields(order, amount, card, **more))

    def status(self, order, **more):
        return self.post("/g2g/payout_status2", dict(pg_order_id=order, **more))

    def balance(self):
        return self.post("/api/balance_status", {})

    def raw(self, path, fields):
        """Every byte that comes back until the end, and how it ended: 'closed', 'reset' or 'silence'."""
        body, content_type = urlencoded(self.signed(path, fields))
        request = ("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
                   % (path, content_type, len(body))).encode() + body
        received = b""
        with socket.create_connection(("127.0.0.1", self.sandbox.port), self.timeout) as plain:
            with self.tls.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as link:
                link.sendall(request)
                link.settimeout(1.5)
                try:
                    while True:
                        piece = link.recv(65536)
                        if piece == b"":
                            return received, "closed"
                        received += piece
                except TimeoutError:
                    return received, "silence"
                except OSError:  # no close_notify: a reset, when the kernel has forgotten the connection
                    state = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
                    return received, "reset" if state == TCP_CLOSE else "cut"
