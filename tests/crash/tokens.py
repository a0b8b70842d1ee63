# SPDX-License-Identifier: Apache-2.0
"""The tokens that are cut short: what each is, what its customer has of it, and what it says of itself to nobody but a test.

A token here answers, without costing it a try: has_so_pin(), has_pin(); how many SO PINs it has refused in its life, wrong_so_pins(); and whether it was
ever asked to erase itself, was_erased(). None of that goes through the product. come_to_rest() waits for what a program that is dead has still asked of it.
"""
import glob
import hashlib
import os
import shutil
import subprocess
import time

import world

SO_PIN, PIN = "46208135", "123456"
MAKERS_SO_PIN = "87654321"


class CardToken(world.Card):
    """The virtual SmartCard-HSM through pcscd and OpenSC."""
    NAME = "Mokhoa test card", "PKCS#15 emulated"

    def __init__(self, w):
        super().__init__(w, f"M{w.run}0001", lock=False)
        self.log_path = os.path.join(w.dir, "card0.log")
        self.log_at = self.wrong = self.commands = 0
        self.erased = False
        self.pin = PIN

    def apdus(self):
        """Reads on in the card's own log."""
        with open(self.log_path, encoding="utf-8") as f:
            f.seek(self.log_at)
            text = f.read()
        whole = text[:text.rfind("\n") + 1]
        self.log_at += len(whole.encode())
        for line in whole.splitlines():
            words = line.split()
            if len(words) != 4 or words[2] != "->":
                continue
            self.commands += 1
            command, answer = words[1], words[3]
            # with data: without, it only asks how many tries are left
            if command[:8] in ("002C0081", "00200088", "00240088") and len(command) > 12 and answer.startswith(("63C", "6983")):
                self.wrong += 1
            self.erased |= command.startswith("8050")  # INITIALIZE DEVICE

    def wrong_so_pins(self):
        self.apdus()
        return self.wrong

    def was_erased(self):
        self.apdus()
        return self.erased

    def commands_so_far(self):
        self.apdus()
        return self.commands

    def is_out(self):
        return self.world.sh("card_tell $DIR 0 status", check=False) == "out"

    def put_back(self):
        """Whatever it was told to do when."""
        self.remove()
        self.insert()

    def has_pin(self, pin):
        return subprocess.run([os.path.join(world.BIN, "mokhoa-card"), "check", "--state", self.state, "--pin", pin], check=False).returncode == 0

    def few(self):
        """Fewer tries are left than one wrong SO PIN leaves."""
        return self.show()["so_tries"] < 14

    def come_to_rest(self):
        pass  # pcscd gives the next one the card when it has answered the one before

    def down(self):
        pass  # with its world


class SoftToken:
    """A soft token of openCryptoki, behind `p11-kit server`: a client that is killed cuts a call of its own short and not one of the token's writes, as with
    a token that is a thing. Its own spy (OpenSC's pkcs11-spy) writes down each call.

    Each client has a process of the server's to itself, and so the call of one that is dead could come after those of the next, which no reader of cards
    does: a wrong SO PIN that counts only when the flags have been looked at again. come_to_rest() keeps the order."""
    NAME = "IBM Corp.", "IBM SoftTok"
    LIBRARY = (glob.glob("/usr/lib/*/pkcs11/libopencryptoki.so") + [None])[0]
    SPY = (glob.glob("/usr/lib/*/pkcs11-spy.so") + [None])[0]
    CLIENT = (glob.glob("/usr/lib/*/pkcs11/p11-kit-client.so") + [None])[0]
    DATA = "/var/lib/opencryptoki/swtok/NVTOK.DAT"
    SO_HASH, PIN_HASH = slice(0xb8, 0xcc), slice(0xa0, 0xb4)

    def __init__(self, w):
        self.world, self.serial, self.email, self.pin = w, "123", f"ock-{w.run.lower()}@khach.example", PIN
        self.folder = os.path.join(w.dir, "soft")
        os.mkdir(self.folder)
        self.log_path, self.log_at, self.wrong, self.erased = os.path.join(self.folder, "spy.log"), 0, 0, False
        self.processes = []
        self.start_daemon()
        self.make()
        self.start_server()
        self.known()
        w.profile(modules=[{"name": "soft", "path": self.CLIENT, "flags": "reliable",
                            "environment": {"P11_KIT_SERVER_ADDRESS": f"unix:path={self.folder}/socket"}}])

    @classmethod
    def missing(cls):
        return [package for package, path in (("opencryptoki", cls.LIBRARY), ("opensc-pkcs11", cls.SPY), ("p11-kit-modules", cls.CLIENT),
                                              ("opencryptoki", shutil.which("pkcsslotd")), ("p11-kit", shutil.which("p11-kit"))) if path is None]

    # ---- its parts ----

    def start_daemon(self):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/opencryptoki"], check=True)
        configuration = os.path.join(self.folder, "opencryptoki.conf")
        with open(configuration, "w", encoding="ascii") as f:
            f.write("version opencryptoki-3.8\nslot 0\n{\nstdll = libpkcs11_sw.so\n}\n")
        shutil.chown(configuration, group="pkcs11")
        os.chmod(configuration, 0o640)
        subprocess.run(["mount", "--bind", configuration, "/etc/opencryptoki/opencryptoki.conf"], check=True)
        for folder in ("/var/lib/opencryptoki/swtok/TOK_OBJ", "/run/lock/opencryptoki/swtok", "/run/opencryptoki"):
            os.makedirs(folder, exist_ok=True)
        subprocess.run("chgrp -R pkcs11 /var/lib/opencryptoki /run/lock/opencryptoki /run/opencryptoki && "
                       "chmod -R ug+rwX /var/lib/opencryptoki /run/lock/opencryptoki /run/opencryptoki", shell=True, check=True)
        self.start(["pkcsslotd", "-f"])
        self.until(lambda: subprocess.run(["pkcs11-tool", "--module", self.LIBRARY, "-L"], capture_output=True, check=False).stdout.count(b"Slot 0"))

    def start(self, command, **environment):
        self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                               env=dict(os.environ, **environment)))

    @staticmethod
    def until(true):
        end = time.monotonic() + 30
        while not true():
            assert time.monotonic() < end, "openCryptoki does not answer"
            time.sleep(0.05)

    def tool(self, *arguments):
        subprocess.run(["pkcs11-tool", "--module", self.LIBRARY, *arguments], check=True, capture_output=True, timeout=60)

    def make(self):
        """As an authority hands it out: initialised, with a key, its certificate and a PIN."""
        self.world.sh(f"pki_customer $DIR soft customer-ca ec '/C=VN/O=CÔNG TY MỀM/CN=Khách mềm' {self.email}; "
                      "openssl pkcs8 -topk8 -nocrypt -in $DIR/pki/soft.key -outform DER -out $DIR/soft/key.der")
        self.tool("--slot-index", "0", "--init-token", "--label", "Mokhoa", "--so-pin", MAKERS_SO_PIN)
        self.tool("--login", "--login-type", "so", "--so-pin", MAKERS_SO_PIN, "--change-pin", "--new-pin", SO_PIN)
        self.tool("--login", "--login-type", "so", "--so-pin", SO_PIN, "--init-pin", "--new-pin", PIN)
        for kind, path in (("privkey", f"{self.folder}/key.der"), ("cert", f"{self.world.dir}/pki/soft.der")):
            self.tool("--login", "--pin", PIN, "--write-object", path, "--type", kind, "--id", "42")

    def start_server(self):
        socket = f"{self.folder}/socket"
        self.start(["p11-kit", "server", "-n", socket, "--foreground", "--provider", self.SPY, "pkcs11:"], PKCS11SPY=self.LIBRARY,
                   PKCS11SPY_OUTPUT=self.log_path)
        self.until(lambda: os.path.exists(socket))

    def known(self):
        """To the authority."""
        self.world.sh("printf 'manufacturer,model,serial,so_pin,customer,email\\n%s,%s,%s,%s,MỀM,%s\\n' "
                      f"'{self.NAME[0]}' '{self.NAME[1]}' '{self.serial}' '{SO_PIN}' '{self.email}' | tms_import $DIR")

    def come_to_rest(self):
        """Until no process of the server has a client that is gone: `ss` gives 0 for its end of the socket."""
        name = f"{self.folder}/socket"
        self.until(lambda: not any(words[3] == name and words[6] == "0" for words in map(str.split, subprocess.run(
            ["ss", "-xH", "state", "established"], capture_output=True, text=True, check=True).stdout.splitlines())))

    def down(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)
        for name in glob.glob("/dev/shm/*opencryptoki*"):
            os.unlink(name)
        subprocess.run(["umount", "/etc/opencryptoki/opencryptoki.conf", "/var/lib/opencryptoki"], check=True)

    # ---- what it says of itself ----

    def holds(self, where, pin):
        with open(self.DATA, "rb") as f:
            return f.read()[where] == hashlib.sha1(pin.encode()).digest()

    def has_so_pin(self, so_pin):
        return self.holds(self.SO_HASH, so_pin)

    def has_pin(self, pin):
        return self.holds(self.PIN_HASH, pin)

    def calls(self):
        """Reads on in the spy's log, whose entries end with an empty line."""
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            f.seek(self.log_at)
            text = f.read()
        whole = text[:text.rfind("\n\n") + 2]
        self.log_at += len(whole.encode())
        for entry in whole.split("\n\n"):
            self.erased |= ": C_InitToken" in entry
            if ": C_Login\n" in entry and "userType = CKU_SO" in entry and "CKR_PIN_INCORRECT" in entry:
                self.wrong += 1

    def wrong_so_pins(self):
        self.calls()
        return self.wrong

    def was_erased(self):
        self.calls()
        return self.erased or len(os.listdir(os.path.dirname(self.DATA) + "/TOK_OBJ")) < 3

    def few(self):
        """SO_PIN_FINAL_TRY or SO_PIN_LOCKED of CK_TOKEN_INFO."""
        with open(self.DATA, "rb") as f:
            flags = int.from_bytes(f.read()[0x60:0x64], "little")
        return bool(flags & 0x600000)


class MockToken:
    """A PKCS#11 module that does what a script says (tests/mock): as fast as a token can be, and every user of the machine may call it. Its memory is a file that a
    killed call can tear, so that it is not for cutting short."""
    NAME = "Mokhoa tests", "Mock"
    MODULE = "/etc/mokhoa/mock/mock_p11.so"  # what only root can have written
    TRIES = "3"
    PIN_CALLS = ("C_Login", "C_InitPIN", "C_SetPIN", "C_InitToken")

    def __init__(self, w):
        self.world, self.serial, self.email, self.pin = w, f"MOCK{w.run}", f"mock-{w.run.lower()}@khach.example", PIN
        self.folder = os.path.join(w.dir, "mock")
        os.makedirs(os.path.dirname(self.MODULE))
        shutil.copy(os.path.join(world.BIN, "mock_p11.so"), self.MODULE)
        w.sh(f"pki_customer $DIR mock customer-ca ec '/C=VN/O=CÔNG TY THỬ/CN=Khách thử' {self.email}")
        os.mkdir(self.folder)
        for name, text in (("script", f"serial 0 {self.serial}\n"), ("state", f"so_pin {SO_PIN}\nuser_pin {PIN}\n"), ("log", "")):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as f:
                f.write(text)
            os.chmod(f.name, 0o666)
        for source, name in (("mock.der", "certificate.der"), ("mock.key", "key.pem")):
            shutil.copyfile(os.path.join(w.pki, source), os.path.join(self.folder, name))
        w.sh("printf 'manufacturer,model,serial,so_pin,customer,email\\n%s,%s,%s,%s,THỬ,%s\\n' "
             f"'{self.NAME[0]}' '{self.NAME[1]}' '{self.serial}' '{SO_PIN}' '{self.email}' | tms_import $DIR")
        w.profile(modules=[{"name": "mock", "path": self.MODULE, "flags": "reliable", "environment": {"MOCK_P11": self.folder}}])

    def come_to_rest(self):
        pass  # it works within its client's process

    def down(self):
        shutil.rmtree(os.path.dirname(self.MODULE))

    def remembers(self):
        with open(os.path.join(self.folder, "state"), encoding="ascii") as f:
            return dict(line.split() for line in f)

    def pin_calls(self):
        """Every call that may cost a try, with its result."""
        with open(os.path.join(self.folder, "log"), encoding="ascii") as f:
            return [line.strip() for line in f if line.split()[0] in self.PIN_CALLS]

    def forget_calls(self):
        os.truncate(os.path.join(self.folder, "log"), 0)

    def has_so_pin(self, so_pin):
        return self.remembers()["so_pin"] == so_pin

    def has_pin(self, pin):
        return self.remembers()["user_pin"] == pin

    def wrong_so_pins(self):
        return sum(line.startswith("C_Login so") and line.endswith("0xa0") for line in self.pin_calls())

    def was_erased(self):
        return any(line.startswith("C_InitToken") for line in self.pin_calls())

    def few(self):
        return self.remembers().get("so_tries", self.TRIES) != self.TRIES


KINDS = {"card": CardToken, "soft": SoftToken}
ALL = {**KINDS, "mock": MockToken}

