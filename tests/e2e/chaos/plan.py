"""What will go wrong, and when: a plan made of a seed, the same for every worker that is tried."""
import collections

Fault = collections.namedtuple("Fault", "at_s kind target seconds more")
LINKS = ("kafka", "redis", "gateway")
GAP_S = (0.5, 3.5)
RESTING_S = 4.0  # a target is left in peace for so long after it was healed

# kind: (weight, least and most seconds, what it is done to)
KINDS = {
    "worker-kill": (16, 0.2, 4, "worker"),
    "worker-terminate": (4, 3, 14, "worker"),
    "worker-pause": (5, 1, 4, "worker"),
    "worker-pause-beyond-session": (6, 8, 11, "worker"),
    "broker-kill": (3, 0.5, 3, "broker"),
    "broker-pause": (3, 1, 6, "broker"),
    "redis-kill": (3, 0.2, 2, "redis"),
    "redis-restart": (2, 0.2, 2, "redis"),
    "redis-pause": (4, 0.5, 4, "redis"),
    "sandbox-pause": (2, 1, 5, "sandbox"),
    "link-reset": (9, 0, 0, "link"),
    "link-cut": (5, 0.5, 5, "link"),
    "link-freeze": (6, 0.5, 8, "link"),
    "link-delay": (4, 2, 6, "link"),
    "link-lose-answers": (7, 0.5, 6, "link"),
    "gateway-fault": (22, 1, 6, "gateway"),
}
LOSSY = {"redis-forget": (3, 0.5, 3, "redis")}
OPERATOR_S = (0.5, 5.0)  # a person says so long after Redis came back that it lost nothing
BROKER_IS_BACK_S = 15

# What the sandbox does to everybody for a while: (name, argument, on, probability).
GATEWAY_FAULTS = (
    ("executed-then-silence", None, "payout", 0.5), ("executed-then-reset", None, "payout", 0.7),
    ("executed-then-close", None, "payout", 0.7), ("executed-then-http", 502, "payout", 0.7),
    ("executed-then-truncated", None, "payout", 0.7), ("executed-then-error", 9999, "payout", 0.5),
    ("bad-signature", None, "payout", 0.5), ("unsigned", None, "payout", 0.5), ("other-order", None, "payout", 0.5),
    ("wrong-amount", None, "payout", 0.5), ("slow", 2, "payout", 0.5), ("slow-execution", 4, "payout", 0.3),
    ("late-execution", 5, "payout", 0.3), ("late-by-queries", 2, "payout", 0.3), ("status-lag", 2, "payout", 0.5),
    ("flapping", 4, "payout", 0.5), ("pending-then-success", 2, "payout", 0.5), ("silence", None, "payout", 0.3),
    ("reset", None, "payout", 0.5), ("http", 503, "payout", 0.7), ("html", None, "payout", 0.7),
    ("error", 8888, "payout", 0.7), ("error", 1100, "payout", 0.5), ("error", 10001, "payout", 0.5),
    ("http", 500, "status", 0.7), ("bad-signature", None, "status", 0.7), ("silence", None, "status", 0.5),
    ("reset", None, "all", 0.4), ("latency", 700, None, None), ("outage", None, None, None),
    ("reset-on-accept", None, None, None), ("handshake-silence", None, None, None),
    ("close-on-accept", None, None, None), ("untrusted-certificate", None, None, None),
)


def _targets(kind, workers):
    what = KINDS.get(kind, LOSSY.get(kind))[3]
    if what == "worker":
        return ["worker-%d" % each for each in range(workers)]
    if what == "link":
        return ["%s-%d" % (link, each) for link in LINKS for each in range(workers)]
    return ["gateway" if what == "gateway" else what]


def _choose(dice, kinds, free_at, now_s, workers):
    """A kind and a target that nothing is being done to; None when everything is busy."""
    names = list(kinds)
    for _ in range(50):
        kind = dice.choices(names, [kinds[name][0] for name in names])[0]
        target = dice.choice(_targets(kind, workers))
        if target == "gateway" or free_at.get(target, 0) <= now_s:
            return kind, target
    return None


def _seconds_busy(fault):
    if fault.kind == "broker-kill":
        return fault.seconds + BROKER_IS_BACK_S
    if fault.kind in ("redis-kill", "redis-restart", "redis-forget"):
        return fault.seconds + fault.more + 3
    return fault.seconds


def make_plan(dice, count, workers, lossy=False):
    """`count` faults in the order of their time. Different targets may suffer at once, one target from one thing."""
    kinds = dict(KINDS, **LOSSY) if lossy else KINDS
    plan, free_at, now_s = [], {}, 3.0
    while len(plan) < count:
        now_s += dice.uniform(*GAP_S)
        chosen = _choose(dice, kinds, free_at, now_s, workers)
        if chosen is None:
            continue
        kind, target = chosen
        _, least, most, what = kinds[kind]
        more = None
        if what == "redis" and kind != "redis-pause":
            more = dice.uniform(*OPERATOR_S)
        elif kind == "gateway-fault":
            more = dice.choice(GATEWAY_FAULTS)
        elif kind == "link-delay":
            more = dice.uniform(0.05, 0.5)
        fault = Fault(now_s, kind, target, dice.uniform(least, most), more)
        free_at[target] = now_s + _seconds_busy(fault) + RESTING_S
        plan.append(fault)
    return plan
