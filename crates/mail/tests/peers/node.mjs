// The leaves that mailparser and postal-mime give, in the form that python.py says. T: a text that was
// decoded by its charset and may be several put together. `MAILWARD_NPM` names where they are installed.
import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(`${process.env.MAILWARD_NPM}/`);
const { simpleParser } = require("mailparser");
const postal = require("postal-mime");
const PostalMime = postal.default || postal;
const plain = { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true };

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const input = Buffer.concat(chunks);
let at = 0;
while (at < input.length) {
  const end = input.indexOf(10, at);
  const length = parseInt(input.subarray(at, end).toString(), 10);
  const raw = input.subarray(end + 1, end + 1 + length);
  at = end + 1 + length;
  const out = [];
  const put = (kind, bytes) => {
    const content = Buffer.from(bytes);
    if (content.length > 0) out.push(kind + content.toString("base64"));
  };
  for (const parse of [(raw) => simpleParser(raw, plain), (raw) => PostalMime.parse(raw)]) {
    try {
      const mail = await parse(Buffer.from(raw));
      for (const text of [mail.text, mail.html]) if (text) put("T", text);
      for (const file of mail.attachments) put(file.mimeType?.startsWith("text/") ? "T" : "B", file.content);
    } catch {}
  }
  process.stdout.write(out.map((line) => line + "\n").join("") + "\n");
}
