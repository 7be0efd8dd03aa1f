"""Kafka, Redis and the gateway away, and back."""
from events import command
from test_restarts import send_many, wait_for_executions
from worker import payoutctl


def test_gateway_that_is_down_holds_orders_and_pays_them_when_it_is_back(world):
    worker = world.start_worker()
    world.sandbox.fault("outage")
    orders = send_many(world, 20)
    worker.process.wait_until(lambda: worker.said("merchant.held", payout__hold_reason="unreachable"), 30, "the hold")
    assert worker.is_ready()
    assert world.outcomes.quiet(1.5) == []
    world.sandbox.clear_faults()
    world.wait_all_final(orders, 90)
    audit = world.audit(everything_final=True)
    assert all(audit.final_of(order) == "succeeded" for order in orders)


def test_untrusted_certificate_pays_nothing(world):
    worker = world.start_worker()
    world.sandbox.fault("untrusted-certificate")
    orders = send_many(world, 3)
    worker.process.wait_until(lambda: worker.said("merchant.held"), 30, "the hold")
    assert world.executions() == [] and world.outcomes.quiet(1) == []
    world.sandbox.clear_faults()
    world.wait_all_final(orders, 60)
    world.audit(everything_final=True)


def test_broker_that_is_killed_and_comes_back(make_world, kafka):
    world = make_world(sandbox_flags=("--latency-ms", "100"))
    worker = world.start_worker()
    orders = send_many(world, 300)
    wait_for_executions(world, 30)
    kafka.kill()
    kafka.start()
    world.wait_all_told(orders, 120)
    orders += send_many(world, 20, "after")
    world.wait_all_final(orders[-20:], 60)
    assert worker.process.is_running()
    world.wait_paid_are_settled()
    world.audit(quiet_s=2)


def test_redis_away_means_that_nothing_is_sent_and_nothing_is_lost(world):
    worker = world.start_worker()
    world.commands.send(command("before"))
    world.outcome("before")
    world.redis.pause()
    worker.wait_unready()
    assert worker.get("/livez")[0] == 200
    orders = send_many(world, 20)
    assert [each.data["order_id"] for each in world.outcomes.quiet(2)] == ["before"]
    assert [order for order, _ in world.executions()] == ["before"]
    world.redis.resume()
    world.wait_all_final(orders, 60)
    audit = world.audit(everything_final=True)
    assert all(audit.final_of(order) == "succeeded" for order in orders)


def test_redis_that_was_restarted_may_have_forgotten_until_an_operator_says_no(world):
    worker = world.start_worker()
    first = send_many(world, 10, "before")
    world.wait_all_final(first, 40)
    world.redis.restart()
    worker.process.wait_until(lambda: worker.said("ledger.changed"), 40, "the new process was noticed")
    orders = send_many(world, 10, "after")
    worker.process.wait_until(lambda: worker.said("ledger.forgot"), 40, "the alarm")
    worker.wait_unready()
    assert worker.get("/livez")[0] == 200
    assert len(world.outcomes.quiet(2)) == 10 and len(world.executions()) == 10
    code, out, err = payoutctl("recover", "--lossless", "--config", worker.config_file)
    assert code == 0, out + err
    world.wait_all_final(orders, 60)
    assert worker.said("ledger.remembers") and worker.is_ready()
    world.commands.send(command("before-0"))  # a copy of an old one is still known
    world.commands.send(command("last"))
    world.outcome("last")
    audit = world.audit(everything_final=True)
    assert audit.repeated_final == []


def test_redis_that_lost_everything_stops_all_payments(world):
    worker = world.start_worker()
    first = send_many(world, 5, "before")
    world.wait_all_final(first, 40)
    world.redis.call("FLUSHALL")
    send_many(world, 5, "after")
    world.commands.send(command("before-0"))
    worker.process.wait_until(lambda: worker.said("ledger.forgot"), 40, "the alarm")
    assert len(world.outcomes.quiet(2)) == 5 and len(world.executions()) == 5
    world.check_traces()


def test_foreign_data_under_one_order_stops_that_order_and_no_other(world):
    worker = world.start_worker()
    with world.redis.client() as client:
        before = set(client("KEYS", "*"))
        world.commands.send(command("o"), partition=0)
        world.outcome("o")
        keys = [key for key in set(client("KEYS", "*")) - before if client("TYPE", key) == b"hash"]
        assert len(keys) == 1, keys
        client("DEL", keys[0])
        client("RPUSH", keys[0], "not", "ours")
    world.commands.send(command("o"), partition=0)
    orders = send_many(world, 12, "other")
    world.wait_all_final(orders, 40)
    assert worker.said("ledger.foreign_record", labels__order_id="o")
    assert len(world.executed("o")) == 1
    world.audit(everything_final=True)
