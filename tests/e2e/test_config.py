"""What `payoutd config check` and a start say to a wrong configuration: everything at once, and exit code 78."""
import os

import pytest
import yaml

from worker import merge, payoutd, write_secret

WRONG = 78


@pytest.fixture
def config(tmp_path):
    """A right configuration that names no running server; the check needs none."""
    secrets = {name: write_secret(os.path.join(str(tmp_path), name), "0123456789abcdef" * 4)
               for name in ("m.key", "f.key")}
    return {"redis": {"host": "127.0.0.1"}, "ledger": {"namespace": "n", "fingerprint_key_file": secrets["f.key"]},
            "worker": {"max_command_age": "1h"}, "contract": {"type_prefix": "kz.example"}, "default_merchant": "1",
            "gateways": {"main": {"base_url": "https://gateway.example", "livemode": False}},
            "merchants": {"1": {"gateway": "main", "secret_file": secrets["m.key"],
                                "post_link": "https://us.example/callback"}},
            "kafka": {"bootstrap.servers": "127.0.0.1:9092"}}


def check(tmp_path, config):
    path = os.path.join(str(tmp_path), "payoutd.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False))
    code, out, err = payoutd("config", "check", "--config", path)
    return code, out + err


def test_right_configuration_passes(tmp_path, config):
    code, said = check(tmp_path, config)
    assert code == 0, said


@pytest.mark.parametrize("change, words", [
    ({"worker": {"max_comand_age": "1h"}}, ["max_comand_age", "max_command_age"]),
    ({"worker": {"max_command_age": None}}, ["max_command_age"]),
    ({"worker": {"max_command_age": "30d"}}, ["max_command_age", "retention"]),
    ({"worker": {"drain": "soon"}}, ["worker.drain"]),
    ({"worker": {"max_in_flight": 0}}, ["worker.max_in_flight"]),
    ({"worker": {"send_window": "20s"}, "gateways": {"main": {"request_timeout": "10s"}}}, ["send_window"]),
    ({"redis": {"command_timeout": "10s"}}, ["redis.command_timeout"]),
    ({"publisher": {"message_timeout": "20s"}}, ["message_timeout"]),
    ({"ledger": {"namespace": None}}, ["ledger.namespace"]),
    ({"default_merchant": "2"}, ["default_merchant"]),
    ({"merchants": {"1": {"gateway": "mian"}}}, ["mian"]),
    ({"merchants": {"1": {"post_link": "https://us.example/callback/"}}}, ["post_link"]),
    ({"merchants": {"1": {"post_link": "http://us.example/callback"}}}, ["post_link"]),
    ({"gateways": {"main": {"base_url": "http://gateway.example"}}}, ["base_url"]),
    ({"gateways": {"main": {"livemode": None}}}, ["livemode"]),
    ({"kafka": {"enable.auto.commit": "true"}}, ["enable.auto.commit"]),
    ({"kafka": None}, ["bootstrap.servers"]),
])
def test_wrong_configuration_is_named_by_option_and_refused(tmp_path, config, change, words):
    code, said = check(tmp_path, merge(config, change))
    assert code == WRONG, said
    for word in words:
        assert word in said, said


def test_all_problems_are_told_at_once_with_their_place(tmp_path, config):
    wrong = merge(config, {"worker": {"drain": "soon"}, "redis": {"prot": 1}, "contract": {"type_prefix": None}})
    code, said = check(tmp_path, wrong)
    assert code == WRONG
    for word in ("worker.drain", "prot", "contract.type_prefix", "payoutd.yaml:"):
        assert word in said, said


@pytest.mark.parametrize("text", ["", "[1, 2]", "redis: {host: [}", "a: 1\na: 2\n", "redis: &x {host: *x}\n"])
def test_file_that_is_no_configuration_is_refused(tmp_path, text):
    code, said = check(tmp_path, text)
    assert code == WRONG and said.strip(), said


def test_start_with_a_wrong_configuration_ends_with_the_same_code(tmp_path, config):
    path = os.path.join(str(tmp_path), "payoutd.yaml")
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(merge(config, {"redis": {"host": None}}), file)
    code, out, err = payoutd("--config", path)
    assert code == WRONG and "redis.host" in out + err
