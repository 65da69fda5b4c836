// The leaves that mailparser and postal-mime give, in the form that python.py says. T: a text that was
// decoded by its charset. Each leaf is taken as it was extracted, before it is put together with others or
// made HTML for display. `MAILWARD_NPM` names where they are installed.
import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(`${process.env.MAILWARD_NPM}/`);
const { MailParser } = require("mailparser");
const postal = require("postal-mime");
const PostalMime = postal.default || postal;

function byMailparser(raw, put) {
  return new Promise((resolve) => {
    const parser = new MailParser({ skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true });
    const end = () => {
      const nodes = [parser.tree];
      while (nodes.length > 0) {
        const node = nodes.pop();
        if (node?.textContent) put("T", node.textContent);
        nodes.push(...(node?.children || []));
      }
      resolve();
    };
    parser.on("error", end);
    parser.on("data", (part) => {
      if (part.type !== "attachment") return;
      const chunks = [];
      part.content.on("data", (chunk) => chunks.push(chunk));
      part.content.on("end", () => {
        put("B", Buffer.concat(chunks));
        part.release();
      });
    });
    parser.on("end", end);
    parser.end(raw);
  });
}

async function byPostalMime(raw, put) {
  const parser = new PostalMime();
  const mail = await parser.parse(raw);
  for (const texts of parser.textMap.values()) {
    for (const { type, value } of Object.values(texts).flat()) if (type === "text") put("T", value);
  }
  // Calendars are decoded by their charset, other files are not.
  const isText = (type) => type === "text/calendar" || type === "application/ics";
  for (const file of mail.attachments) put(isText(file.mimeType) ? "T" : "B", file.content);
}

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
  for (const parse of [byMailparser, byPostalMime]) {
    try {
      await parse(Buffer.from(raw), put);
    } catch {}
  }
  process.stdout.write(out.map((line) => line + "\n").join("") + "\n");
}
