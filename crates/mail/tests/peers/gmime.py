# The leaves that GMime 3 gives, in the form that python.py says.
import base64
import sys

import gi

gi.require_version("GMime", "3.0")
from gi.repository import GMime

GMime.init()
stdin = sys.stdin.buffer


def leaves(top):
    stack, out = [top], []
    while stack:
        entity = stack.pop()
        if isinstance(entity, GMime.Multipart):
            stack.extend(entity.get_part(at) for at in range(entity.get_count()))
        elif isinstance(entity, GMime.MessagePart):
            message = entity.get_message()
            if message is not None and message.get_mime_part() is not None:
                stack.append(message.get_mime_part())
        elif isinstance(entity, GMime.Part):
            content = entity.get_content()
            if content is not None:
                memory = GMime.StreamMem.new()
                content.write_to_stream(memory)
                out.append(bytes(memory.get_byte_array()))
    return out


while True:
    line = stdin.readline()
    if not line:
        break
    raw = stdin.read(int(line))
    message = GMime.Parser.new_with_stream(GMime.StreamMem.new_with_buffer(raw)).construct_message(None)
    if message is not None and message.get_mime_part() is not None:
        for content in leaves(message.get_mime_part()):
            if content:
                print("B" + base64.b64encode(content).decode())
    print(flush=True)
