#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long a page waits: page.py hello|token.info, on a stage; prints warm and cold, one JSON object a line (run.sh says of what form).

In one Chromium and one page, in turns: Mokhoa's extension and host, and the least that could stand in their place, an extension of six lines before a C
program that sends every frame back. Warm: worker and host are up. Cold: the browser has ended both service workers, and no host runs. token.info asks a card
through OpenSC, which the other side has nothing like: its ratio says what a call costs beside the way to it.

MOKHOA_BIN has the release programs and echo, MOKHOA_NODE_MODULES the browser tests' packages.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "browser"), os.path.join(ROOT, "webext")]
sys.dont_write_bytecode = True

import browser  # noqa: E402
import build  # noqa: E402
from browser import wait_for  # noqa: E402

BIN, MODULES = os.environ["MOKHOA_BIN"], os.environ["MOKHOA_NODE_MODULES"]
STAGE = os.path.join(ROOT, "tests", "stage")
# pairs, and the goal of the ratio; a token is asked by a process of its own, in which OpenSC reads the whole card
PLANS = {"hello": {"warm": (200, 2.0), "cold": (15, 1.5)}, "token.info": {"warm": (30, None), "cold": (10, None)}}

BACKGROUND = """
chrome.runtime.onConnectExternal.addListener((page) => {
	const host = chrome.runtime.connectNative("bare.echo");
	page.onMessage.addListener((message) => host.postMessage(message));
	host.onMessage.addListener((message) => page.postMessage(message));
	page.onDisconnect.addListener(() => host.disconnect());
});
"""

# One call over a port that stays open, or over a new one; the time from before the connection to behind the answer.
ASK = """
globalThis.ports ??= {};
globalThis.ask = async (name, id, message, fresh) => {
	const began = performance.now();
	if (fresh || !ports[name]) {
		const port = chrome.runtime.connect(id, { name: "page" });
		port.onMessage.addListener((answer) => answer.id === port.wanted && port.settle(answer));
		port.onDisconnect.addListener(() => port.settle?.({ error: "disconnected" }));
		ports[name] = port;
	}
	const answer = await new Promise((settle) => {
		ports[name].settle = settle;
		ports[name].wanted = message.id;
		ports[name].postMessage(message);
	});
	if (answer.error)
		throw new Error(JSON.stringify(answer));
	return performance.now() - began;
};
"""


def bare_extension(folder, origin):
    """(folder, id)"""
    os.makedirs(folder)
    key = os.path.join(os.path.dirname(folder), "bare.pem")
    build.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    public = build.openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    manifest = {"manifest_version": 3, "name": "bare", "version": "1", "permissions": ["nativeMessaging"], "background": {"service_worker": "background.js"},
                "externally_connectable": {"matches": [origin + "/*"]}, "key": build.base64.b64encode(public).decode()}
    for name, text in (("manifest.json", json.dumps(manifest)), ("background.js", BACKGROUND)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    return folder, build.chromium_id(public)


def shell(script, folder):
    env = dict(os.environ, STAGE_TESTS=os.path.join(ROOT, "tests"), MOKHOA_CARD=os.path.join(BIN, "mokhoa-card"), DIR=folder)
    subprocess.run(["sh", "-eu", "-c", f". {STAGE}/pcsc.sh; {script}"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60, check=True)


def write_profile(origin, extension, module):
    os.makedirs("/etc/mokhoa/profiles.d", exist_ok=True)
    profile = {"tms": "https://tms.mokhoa.test", "tls_ca": "/etc/mokhoa/ca.pem", "tms_keys": ["A" * 43], "origins": [origin], "extensions": [f"chrome-extension://{extension}/"],
               "modules": [{"name": "opensc", "path": module}], "prompt": "/usr/bin/false", "hotline": "1900 1234", "languages": ["vi", "en"]}
    with open("/etc/mokhoa/profiles.d/bench.json", "w", encoding="utf-8") as f:
        json.dump(profile, f)


class Race:
    """Mokhoa and the bare way in one page."""

    def __init__(self, folder, method):
        self.method, self.number = method, 0
        site = browser.Site()
        made = browser.extension(folder, [site.portal])
        bare, self.bare_id = bare_extension(os.path.join(folder, "bare"), site.portal)
        self.id = made["chromium_id"]
        write_profile(site.portal, self.id, self.module())
        self.hosts = [browser.HostScript(os.path.join(folder, name)) for name in ("host", "echo")]
        self.hosts[0].use(os.path.join(BIN, "mokhoa-host"))
        self.hosts[1].use(os.path.join(BIN, "echo"))
        self.browser = browser.Browser("chromium", folder, MODULES, dict(made, chromium=f"{made['chromium']},{bare}"), folder)
        self.browser.set_host(self.hosts[0].path)
        with open(os.path.join(self.browser.profile, "NativeMessagingHosts", "bare.echo.json"), "w", encoding="utf-8") as f:
            json.dump({"name": "bare.echo", "description": "bare", "path": self.hosts[1].path, "type": "stdio",
                       "allowed_origins": [f"chrome-extension://{self.bare_id}/"]}, f)
        self.browser.open("a", site.portal + "/")
        self.browser.run(ASK)

    @staticmethod
    def module():
        from glob import glob
        return sorted(glob("/usr/lib/*/opensc-pkcs11.so"))[0]

    def ms(self, name, fresh=False):
        self.number += 1
        message = {"jsonrpc": "2.0", "id": self.number, "method": self.method, "params": {}}
        return self.browser.run(f"return ask('{name}', '{self.id if name == 'mokhoa' else self.bare_id}', {json.dumps(message)}, {str(fresh).lower()});")

    def warm(self, count):
        self.ms("bare", True), self.ms("mokhoa", True)
        return [self.pair(False, i) for i in range(count)]

    def cold(self, count):
        found = []
        for i in range(count):
            self.browser.do("kill_worker")
            wait_for("the end of both hosts", 20, lambda: not any(host.alive() for host in self.hosts))
            found.append(self.pair(True, i))
        return found

    def pair(self, fresh, i):
        """(Mokhoa's, the bare way's), in turns of who is first"""
        order = ("mokhoa", "bare") if i % 2 else ("bare", "mokhoa")
        taken = {name: self.ms(name, fresh) for name in order}
        return taken["mokhoa"], taken["bare"]


def report(name, pairs, goal):
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    low, ratio, high = statistics.quantiles(ratios, n=4)
    met = goal is None or ratio <= goal
    print(json.dumps({"name": name, "value": round(statistics.median(p[0] for p in pairs), 2), "unit": "ms", "against": round(statistics.median(p[1] for p in pairs), 2),
                      "ratio": round(ratio, 3), "n": len(pairs), "spread": [round(low, 3), round(high, 3)], "goal": goal, "met": met}), flush=True)
    return met


def main(method):
    met = True
    with tempfile.TemporaryDirectory(prefix="mokhoa-bench.") as folder:
        os.chmod(folder, 0o755)
        if method == "token.info":
            shell("pcsc_up $DIR; card_make $DIR 0 BENCH01 3537363231383830 123456; card_insert $DIR 0", folder)
        race = Race(folder, method)
        try:
            for kind, (count, goal) in PLANS[method].items():
                met = report(f"page-{method.replace('.', '-')}-{kind}", getattr(race, kind)(count), goal) and met
        finally:
            race.browser.close()
            if method == "token.info":
                shell("pcsc_down $DIR", folder)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
