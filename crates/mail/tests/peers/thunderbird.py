# Prints, for each message of its input, the leaves that Thunderbird gives, in the form that python.py says.
# T: a text as it would be shown, decoded by its charset. One Thunderbird without a screen and with a profile of
# its own takes all messages, as files that it opens; it is told what to do through its port for automation.
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

SETTINGS = """
user_pref("marionette.port", %d);
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
"""

# The parts of a message, and the bytes of each that is a file; five seconds for each answer.
SCRIPT = """
const [path, done] = arguments;
(async () => {
  const { MsgHdrToMimeMessage } = ChromeUtils.importESModule("resource:///modules/gloda/MimeMessage.sys.mjs");
  const { NetUtil } = ChromeUtils.importESModule("resource://gre/modules/NetUtil.sys.mjs");
  const out = [];
  const late = (give) => setTimeout(() => give(null), 5000);
  const fetch = (spec) => new Promise((give) => {
    late(give);
    NetUtil.asyncFetch({ uri: spec, loadUsingSystemPrincipal: true }, (stream, status) => {
      try {
        const size = Components.isSuccessCode(status) ? stream.available() : 0;
        give(size ? NetUtil.readInputStreamToString(stream, size) : null);
      } catch (e) { give(null); }
    });
  });
  const message = await new Promise((give) => {
    late(give);
    const url = `file://${path}?type=application/x-message-display`;
    const header = { folder: null, getStringProperty: () => url, getUint32Property: () => 0 };
    MsgHdrToMimeMessage(header, null, (_, found) => give(found), true, { examineEncryptedParts: true });
  });
  const parts = message ? [message] : [];
  while (parts.length > 0) {
    const part = parts.pop();
    parts.push(...(part.parts || []));
    if ((part.parts || []).length > 0 || !part.partName) continue;
    const bytes = await fetch(part.url || `mailbox://${path}?number=0&part=${part.partName}`);
    if (bytes) out.push(["B", bytes]);
    // What a page says of its charset is taken out of it, and other parts get other names; its bytes have them.
    const changed = part.contentType == "text/html" && /charset|cid:/i.test(bytes || "");
    if (typeof part.body == "string" && !changed) out.push(["T", unescape(encodeURIComponent(part.body))]);
  }
  done(out.map(([kind, bytes]) => kind + btoa(bytes)));
})().catch(() => done(null));
"""


class Program:
    def __init__(self, folder):
        profile = os.path.join(folder, "profile")
        os.mkdir(profile)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with open(os.path.join(profile, "user.js"), "w") as file:
            file.write(SETTINGS % port)
        line = ["thunderbird", "--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
        env = dict(os.environ, HOME=folder)
        silent = subprocess.DEVNULL
        # What is started is a script that starts the program; both are in a session of their own.
        files = {"stdin": silent, "stdout": silent, "stderr": silent}
        self.child = subprocess.Popen(line + ["--profile", profile], env=env, start_new_session=True, **files)
        self.port = port
        self.number = 0

    def connect(self):
        for _ in range(300):
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
                break
            except OSError:
                time.sleep(0.1)
        self.stream = self.socket.makefile("rwb")
        self.read()
        self.ask("WebDriver:NewSession", {"capabilities": {}})
        self.ask("Marionette:SetContext", {"value": "chrome"})

    def read(self):
        length = b""
        while not length.endswith(b":"):
            byte = self.stream.read(1)
            if not byte:
                sys.exit("closed")
            length += byte
        return json.loads(self.stream.read(int(length[:-1])))

    def ask(self, name, params):
        self.number += 1
        packet = json.dumps([0, self.number, name, params]).encode()
        self.stream.write(b"%d:%s" % (len(packet), packet))
        self.stream.flush()
        _, _, error, result = self.read()
        if error:
            sys.exit(str(error))
        return result.get("value") if result else None

    def leaves(self, path):
        script = {"script": SCRIPT, "args": [path], "scriptTimeout": 30000, "sandbox": "system", "newSandbox": False}
        return self.ask("WebDriver:ExecuteAsyncScript", script) or []


# Who takes too long is told to end, and must not leave a program behind.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    program = Program(folder)
    try:
        program.connect()
        stdin = sys.stdin.buffer
        for number, line in enumerate(iter(stdin.readline, b"")):
            path = os.path.join(folder, f"{number}.eml")
            with open(path, "wb") as file:
                file.write(stdin.read(int(line)))
            for leaf in program.leaves(path):
                print(leaf)
            print(flush=True)
            os.unlink(path)
    finally:
        os.killpg(program.child.pid, signal.SIGKILL)
        program.child.wait(20)
