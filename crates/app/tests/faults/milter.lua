-- Two messages of one client: what a filter written against libmilter's own rules has to say.
-- Run with: miltertest -D port=PORT -D coded=BASE64 -s milter.lua

local function check(good, what)
    if not good then error(what) end
end

local function send(conn, subject, body)
    check(mt.mailfrom(conn, "<alice@example.org>") == nil, "mail")
    check(mt.rcptto(conn, "<bob@example.com>") == nil, "rcpt")
    check(mt.header(conn, "From", "alice@example.org") == nil, "From")
    check(mt.header(conn, "Subject", subject) == nil, "Subject")
    check(mt.header(conn, "MIME-Version", "1.0") == nil, "MIME-Version")
    check(mt.header(conn, "Content-Type", "application/octet-stream; name=\"a.com\"") == nil, "Content-Type")
    check(mt.header(conn, "Content-Transfer-Encoding", "base64") == nil, "Content-Transfer-Encoding")
    check(mt.eoh(conn) == nil, "eoh")
    check(mt.bodystring(conn, body .. "\r\n") == nil, "body")
    check(mt.eom(conn) == nil, "eom")
    check(mt.getreply(conn) == SMFIR_CONTINUE, "the message is taken")
end

local conn = mt.connect("inet:" .. port .. "@127.0.0.1")
check(conn ~= nil, "connect")
check(mt.conninfo(conn, "mail.example.org", "192.0.2.7") == nil, "conninfo")
check(mt.test_action(conn, SMFIF_CHGHDRS) and mt.test_action(conn, SMFIF_CHGBODY), "what a plan may hold is agreed")
check(mt.helo(conn, "mail.example.org") == nil, "helo")

send(conn, "lua clean", "bm90aGluZyBoZXJl")
check(mt.eom_check(conn, MT_HDRINSERT, "X-Mailward-Status"), "our header is inserted")
check(not mt.eom_check(conn, MT_BODYCHANGE), "the body stays")
check(not mt.eom_check(conn, MT_HDRCHANGE), "no field changes")

send(conn, "lua infected", coded)
check(mt.eom_check(conn, MT_HDRINSERT, "X-Mailward-Backup-Id"), "the copy is named")
check(mt.eom_check(conn, MT_BODYCHANGE), "the body is replaced")
check(mt.eom_check(conn, MT_HDRCHANGE, "Subject"), "the subject is labelled")
check(mt.disconnect(conn) == nil, "disconnect")
