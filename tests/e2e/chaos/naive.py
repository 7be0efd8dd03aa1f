#!/usr/bin/python3
"""The worker that everybody writes first: SETNX, POST, produce, commit. It shows that the chaos run bites: the same
faults make it pay twice and lose orders. Takes payoutd's configuration file."""
import hashlib
import http.client
import json
import os
import re
import ssl
import sys
import time
import urllib.parse
import urllib.request
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

import yaml  # noqa: E402
from confluent_kafka import Consumer, Producer  # noqa: E402
from redis_server import RedisClient  # noqa: E402

TRIES = 3


def sign(script, fields, secret):
    values = [fields[name] for name in sorted(fields)]
    return hashlib.md5(";".join([script, *values, secret]).encode()).hexdigest()


class Gateway:
    def __init__(self, config):
        self.config = config
        gateway = config["gateways"]["main"]
        self.base_url, self.timeout_s = gateway["base_url"], 3
        self.context = ssl.create_default_context(cafile=gateway["ca_file"])

    def form(self, data):
        merchant = data.get("merchant_id", self.config["default_merchant"])
        with open(self.config["merchants"][merchant]["secret_file"], encoding="ascii") as file:
            secret = file.read().strip()
        fields = {"pg_merchant_id": merchant, "pg_order_id": data["order_id"], "pg_amount": data["amount"]["value"],
                  "pg_description": data["description"], "pg_post_link": "https://127.0.0.1:1/", "pg_salt": "salt"}
        to = data["destination"]
        if to["type"] == "card":
            path = "/g2g/p2p2nonreg"
            fields.update(pg_payment_to=to["pan"], pg_card_name=to["cardholder_name"], pg_user_id="user-1")
        elif to["type"] == "iban":
            path = "/api/to_iban"
            fields.update(pg_recipient_iban=to["iban"], pg_recipient_iin=to["recipient_iin"], pg_bank_bik=to["bic"],
                          pg_recipient_name=to["recipient_name"], pg_recipient_kbe=to["kbe"], pg_knp=to["knp"])
        else:
            path = "/api/reg2reg"
            fields.update(pg_card_token_to=to["token"], pg_user_id=data["user_id"],
                          pg_order_time_limit="2030-01-01 00:00:00")
        fields["pg_sig"] = sign(path.rpartition("/")[2], fields, secret)
        return path, fields

    def pay(self, data):
        """The answer's status; a request that fails is simply sent again."""
        path, fields = self.form(data)
        body = urllib.parse.urlencode(fields).encode()
        for _ in range(TRIES):
            try:
                with urllib.request.urlopen(self.base_url + path, body, self.timeout_s, context=self.context) as answer:
                    status = re.search(rb"<pg_status>(\w+)</pg_status>", answer.read())
                if status:
                    return "succeeded" if status.group(1) == b"ok" else "failed"
            except (OSError, ValueError, http.client.HTTPException) as failure:
                print("again: %s" % failure, file=sys.stderr, flush=True)
                time.sleep(0.2)
        return "failed"


def set_if_absent(config, name):
    while True:
        try:
            with RedisClient(config["redis"]["port"], timeout_s=2) as redis:
                return redis("SET", name, "1", "NX") is not None
        except (OSError, RuntimeError) as failure:
            print("redis: %s" % failure, file=sys.stderr, flush=True)
            time.sleep(0.2)


def is_good(data):
    return data["amount"]["currency"] == "KZT" and re.fullmatch(r"[1-9]\d*(\.\d\d?)?", data["amount"]["value"])


def main():
    with open(sys.argv[sys.argv.index("--config") + 1], encoding="utf-8") as file:
        config = yaml.safe_load(file)
    servers = config["kafka"]["bootstrap.servers"]
    consumer = Consumer({"bootstrap.servers": servers, "group.id": config["consumer"]["group_id"],
                         "enable.auto.commit": False, "auto.offset.reset": "earliest", "session.timeout.ms": 6000})
    producer = Producer({"bootstrap.servers": servers, "acks": "all"})
    gateway = Gateway(config)
    consumer.subscribe([config["topics"]["commands"]])
    while True:
        message = consumer.poll(1)
        if message is None or message.error():
            continue
        try:
            data = json.loads(message.value())
        except ValueError:
            data = {"order_id": message.key().decode(), "amount": {"value": "0", "currency": ""}}
        if set_if_absent(config, "paid:" + data["order_id"]):
            status = gateway.pay(data) if is_good(data) else "rejected"
            producer.produce(config["topics"]["outcomes"], json.dumps({"order_id": data["order_id"], "status": status,
                                                                       "final": True}),
                             data["order_id"], headers={"ce_id": str(uuid.uuid4())})
            producer.flush(10)
        try:
            consumer.commit(message, asynchronous=False)
        except Exception as failure:  # it lost the partition meanwhile: whoever has it now does the rest
            print("commit: %s" % failure, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
