"""payout-sandbox, the gateway's stand-in, as a server of a test: own ports, own folder, and its admin HTTP.

PAYOUT_SANDBOX names the program; without it the one of build/dev is taken.
"""
import glob
import json
import os
import shutil
import tempfile
import urllib.error
import urllib.request

from ports import free_port, release_port
from process import Process, ServerFailed

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MERCHANTS = ("530123:test_payout_key", "9970:another_payout_key")


def find_program(name, variable):
    """The path of one of our programs: from the environment, else from build/dev."""
    given = os.environ.get(variable)
    if given:
        return given
    built = sorted(glob.glob(os.path.join(REPOSITORY, "build", "dev", "src", "**", name), recursive=True))
    if not built:
        raise ServerFailed("%s is not built: scripts/test builds it, or set %s" % (name, variable))
    return built[0]


class Sandbox:
    def __init__(self, merchants=MERCHANTS, flags=()):
        self.folder = tempfile.mkdtemp(prefix="payoutd-sandbox-")
        self.port, self.admin_port = free_port(), free_port()
        self.process = Process("payout-sandbox", os.path.join(self.folder, "log"))
        self.ready_file = os.path.join(self.folder, "ready")
        self.command = [find_program("payout-sandbox", "PAYOUT_SANDBOX"), "--dir", os.path.join(self.folder, "tls"),
                        "--port", str(self.port), "--admin-port", str(self.admin_port), "--ready-file", self.ready_file]
        for merchant in merchants:
            self.command += ["--merchant", merchant]
        self.command += list(flags)

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return "https://127.0.0.1:%d" % self.port

    @property
    def admin_url(self):
        return "http://127.0.0.1:%d" % self.admin_port

    @property
    def ca_file(self):
        return os.path.join(self.folder, "tls", "ca.pem")

    def start(self):
        if os.path.exists(self.ready_file):
            os.unlink(self.ready_file)
        try:
            self.process.spawn(self.command, folder=self.folder)
            self.process.wait_until(lambda: os.path.exists(self.ready_file), 20, "the ready file")
        except ServerFailed:
            self.process.kill()
            raise
        return self

    def call(self, path, body=None):
        """One request to the admin HTTP: GET, or POST when there is a body. Its JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.admin_url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise ServerFailed("%s: %d %s" % (path, error.code, error.read().decode())) from None
        return json.loads(text) if text.strip().startswith(("{", "[")) else text

    def ledger(self):
        """Everything that was asked and done; gone when the process ends (use the fault "outage" to be away)."""
        return self.call("/ledger")

    def executions(self):
        """Every payment that moved money: order_id, amount, ..."""
        return self.call("/ledger?limit=0")["executions"]

    def executions_count(self):
        return self.call("/ledger/summary")["executions"]

    def fault(self, name, **more):
        """Turns a fault on for everybody: `payout-sandbox faults` lists them."""
        return self.call("/faults", dict(fault=name, **more))

    def clear_faults(self):
        request = urllib.request.Request(self.admin_url + "/faults", method="DELETE")
        with urllib.request.urlopen(request, timeout=20):
            pass

    def top_up(self, merchant, amount):
        return self.call("/balance/topup", {"merchant": merchant, "amount": amount})

    def kill(self):
        self.process.kill()

    def shut_down(self):
        return self.process.terminate(10)

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def stop(self):
        self.process.kill()
        release_port(self.port)
        release_port(self.admin_port)
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return {"SANDBOX_URL": self.url, "SANDBOX_ADMIN_URL": self.admin_url, "SANDBOX_CA": self.ca_file,
                "SANDBOX_PID": str(self.pid)}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
