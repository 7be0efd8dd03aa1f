"""Everything that is known about one order: what was asked, what each worker logged, what the ledger holds, what the
gateway saw, what was said."""
import json

ABOUT = ("labels.order_id", "payout.order_id")


def _log_lines(world, order_id, places):
    for worker in world.workers:
        for line in worker.log_lines():
            is_there = (line.get("kafka.partition"), line.get("kafka.offset")) in places
            if order_id in (line.get(name) for name in ABOUT) or is_there and "labels.order_id" not in line:
                yield line.get("@timestamp", ""), "%s %s" % (worker.name, json.dumps(line, ensure_ascii=False))


def _sandbox_lines(world, order_id):
    asked = world.sandbox.call("/ledger?order=" + order_id)
    for kind in ("requests", "executions"):
        for each in asked.get(kind, ()):
            yield "sandbox %s: %s" % (kind, json.dumps(each, ensure_ascii=False))


def tell(world, audit, order_id, out):
    """Prints the whole story."""
    places = {place for place in world.commands.places.get(order_id, ()) if place}
    print("==== %s  asked: %s" % (order_id, audit.asked_of.get(order_id)), file=out)
    for _, line in sorted(_log_lines(world, order_id, places)):
        print("  log      " + line, file=out)
    for line in _sandbox_lines(world, order_id):
        print("  " + line, file=out)
    print("  ledger   %s" % (audit.ledger or {}).get(order_id), file=out)
    for record in audit.outcomes_of.get(order_id, ()):
        print("  outcome  %r" % record, file=out)
    for record in world.dead_letters.records:
        if (record.key or b"").decode("utf-8", "replace") == order_id:
            print("  letter   %r" % record, file=out)
