# Prints, for each message of its input (length in a line, then bytes), the leaves that Python's own
# parser gives: a line each in base64, then an empty line.
import base64
import email
import sys
from email import policy

stdin = sys.stdin.buffer
while True:
    line = stdin.readline()
    if not line:
        break
    raw = stdin.read(int(line))
    for rules in (policy.compat32, policy.default):
        try:
            message = email.message_from_bytes(raw, policy=rules)
            for part in message.walk():
                if part.is_multipart():
                    continue
                try:
                    content = part.get_payload(decode=True)
                except Exception:
                    continue
                if content:
                    print("B" + base64.b64encode(content).decode())
        except Exception:
            pass
    print(flush=True)
