"""Asks the gateway as a client would, and in every wrong way. Usage: http_client.py open|token|revoked HOST:PORT [DIR|TOKEN]"""
import http.client
import json
import os
import re
import socket
import sys
import time

mode, address = sys.argv[1], sys.argv[2]
host, port = address.rsplit(":", 1)
failures = 0


def check(what, good, *shown):
    global failures
    if not good:
        failures += 1
        print("FAIL", what, *shown)


def ask(method, path, body=None, headers=None, kind="application/json"):
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    sent = dict(headers or {})
    if body is not None:
        sent.setdefault("Content-Type", kind)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, body, sent)
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    is_json = (response.getheader("Content-Type") or "").startswith(("application/json", "application/problem+json"))
    return response.status, response.headers, json.loads(raw) if is_json and raw else raw


def refused(what, status, code, answer):
    got, headers, body = answer
    check(what, got == status and isinstance(body, dict) and body.get("code") == code and body.get("status") == status
          and headers["Content-Type"] == "application/problem+json" and body["title"] and body["detail"], got, body)
    return body


def raw(text, until_close=True):
    with socket.create_connection((host, int(port)), timeout=20) as s:
        s.sendall(text)
        data = b""
        while True:
            part = s.recv(65536)
            data += part
            if not part or (not until_close and b"\r\n\r\n" in data):
                return data


def until(what, probe):
    for _ in range(400):
        found = probe()
        if found:
            return found
        time.sleep(0.05)
    check(what, False, "never came")


def uuid7():
    at = int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10)
    b = bytearray(at)
    b[6], b[8] = 0x70 | b[6] & 15, 0x80 | b[8] & 63
    h = b.hex()
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def events(path, headers, wanted):
    """The first `wanted` events as (id, type, data)."""
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    check("a stream begins", response.status == 200, response.status)
    found, current = [], {}
    while len(found) < wanted:
        line = response.readline().decode()
        if not line:
            break
        if line == "\n":
            if "data" in current:
                found.append((int(current["id"]), current["event"], json.loads(current["data"])))
            current = {}
        elif not line.startswith(":"):
            name, value = line.rstrip("\n").split(": ", 1)
            current[name] = value
    connection.close()
    return found


def main_job():
    for path in ("/healthz", "/readyz", "/"):
        check(path, ask("GET", path)[0] == 200)
    check("strict policy", "default-src 'none'" in ask("GET", "/")[1]["Content-Security-Policy"])
    correlation = uuid7()
    status, headers, said = ask("POST", "/api/v1/contacts", {
        "channel": "web", "name": "Trần Thị An", "phone": "0912 345 678", "text": "Máy không lên nguồn"},
        {"X-Correlation-Id": correlation, "X-Careloop-Who": "lan"})
    number = said["number"]
    check("a contact", status == 201 and headers["Location"] == "/api/v1/cases/" + number
          and headers["X-Correlation-Id"] == correlation and said["seq"]["service"] == "intake", status, said)
    case = "/api/v1/cases/" + number
    until("the case", lambda: ask("GET", case)[0] == 200)
    for step, body in (("work", {"text": "kiểm tra"}), ("note", {"text": "đã gọi"}), ("propose", {"text": "đổi máy"}),
                       ("agree", {"text": "đồng ý"}), ("close", {"result": "đã đổi"})):
        status, _, said = ask("POST", f"{case}/{step}", body)
        check(step, status == 200 and said["number"] == number, status, said)
    shown = ask("GET", case + "?history=true")[2]
    check("closed", shown["state"]["status"] == "closed" and shown["state"]["received_by"] == "lan", shown["state"])
    check("history", [e["type"] for e in shown["history"]][-1] == "case_closed"
          and any(e.get("correlation") == correlation for e in shown["history"]))
    before = shown["history"][0]["recorded"]
    check("known_at", ask("GET", f"{case}?known_at={before}")[2]["state"]["status"] == "open")
    refused("closing again", 409, "CASE_CLOSED", ask("POST", case + "/close", {"outcome": "agreed"}))
    until("the list", lambda: any(c["status"] == "closed" for c in ask("GET", "/api/v1/cases?q=may")[2]["cases"]))
    check("report", ask("GET", case + "/report")[0] == 200 and ask("GET", case + "/timeline")[0] == 200)
    check("figures", ask("GET", "/api/v1/figures")[2]["cases"] == 1)
    check("organisation", ask("PUT", "/api/v1/departments/kho", {"name": "Kho", "supervisor": "lan"})[0] == 200
          and ask("GET", "/api/v1/departments/kho")[2]["state"]["name"] == "Kho")
    check("stock", ask("POST", "/api/v1/stock/%C3%A1o-1/receive", {"quantity": 3})[0] == 200
          and ask("GET", "/api/v1/stock/%C3%A1o-1")[2]["state"]["on_hand"] == 3)
    text = ask("GET", "/metrics")[2].decode()
    families = re.findall(r"^# TYPE (\S+)", text, re.M)
    check("metrics", len(families) == len(set(families)) and 'careloop_up{service="support",partition="0"} 1' in text)
    check("the document", len(ask("GET", "/openapi.json")[2]["paths"]) > 30)
    return number


def idempotency():
    body = {"channel": "api", "name": "Bình"}
    key = {"Idempotency-Key": uuid7()}
    first, again = ask("POST", "/api/v1/contacts", body, key), ask("POST", "/api/v1/contacts", body, key)
    check("a repeat", first[0] == again[0] == 201 and first[2]["number"] == again[2]["number"] and again[2]["repeated"]
          and again[1]["Idempotent-Replayed"] == "true" and not first[1]["Idempotent-Replayed"], first, again)
    key = {"Idempotency-Key": "order-17"}
    check("a key for ever", ask("POST", "/api/v1/contacts", body, key)[2]["number"]
          == ask("POST", "/api/v1/contacts", body, key)[2]["number"])
    refused("another source key", 422, "FIELDS", ask("POST", "/api/v1/contacts", dict(body, source_key="x/1"), key))
    refused("a key too long", 400, "BAD_HEADER", ask("POST", "/api/v1/contacts", body, {"Idempotency-Key": "k" * 151}))
    answer = refused("no text key elsewhere", 400, "BAD_HEADER", ask(
        "POST", f"/api/v1/cases/{first[2]['number']}/note", {"text": "x"}, key))
    check("names the header", answer["errors"][0]["field"] == "Idempotency-Key")


def wrong_ways():
    contacts, good = "/api/v1/contacts", {"channel": "web", "name": "x"}
    cases = 3  # of the steps before; reporting learns of them a moment later
    until("all cases", lambda: ask("GET", "/api/v1/figures")[2]["cases"] == cases)
    check("where JSON breaks", "18" in refused("JSON", 400, "MALFORMED_JSON",
                                              ask("POST", contacts, b'{"channel":"web",}'))["detail"])
    for body in (b"", b"{", b'{"a":' * 40, b"\xff\xfe", b'{"name":"\xc3"}', b"[" * 200000):
        check("malformed", ask("POST", contacts, body)[0] in (400, 422), body[:20])
    for body, field in (({"channel": "web", "phone": 5}, "phone"), ({"channel": "pigeon"}, "channel"), ({}, "channel"),
                        (dict(good, nonsense=1), "nonsense"), (dict(good, name="x" * 201), "name"),
                        (dict(good, name="a\u0007"), "name"), (dict(good, email="no"), "email"), ({"channel": "web"}, "name")):
        status, _, said = ask("POST", contacts, body)
        check("names the field", status == 422 and said["errors"][0]["field"] == field, status, said)
    english = ask("POST", contacts, {}, {"Accept-Language": "en"})[2]["detail"]
    check("languages", english == "Field “channel” is missing." and ask("POST", contacts, {})[2]["detail"] != english)
    refused("nothing there", 404, "NOT_FOUND", ask("GET", "/api/v1/nothing"))
    refused("no such slip", 404, "UNKNOWN_TARGET", ask("GET", "/api/v1/cases/PTN-2026-999999"))
    refused("no such slip", 404, "UNKNOWN_TARGET", ask("POST", "/api/v1/cases/PTN-2026-999999/note", {"text": "x"}))
    refused("no number", 404, "UNKNOWN_TARGET", ask("GET", "/api/v1/cases/abc"))
    refused("no id", 404, "UNKNOWN_TARGET", ask("GET", "/api/v1/customers/abc"))
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = ask(method, contacts, None if method == "GET" else {})
        refused(method, 405, "METHOD_NOT_ALLOWED", answer)
        check("Allow", answer[1]["Allow"] == "POST")
    check("HEAD", ask("HEAD", "/healthz")[0] == 200)
    refused("type", 415, "MEDIA_TYPE", ask("POST", contacts, b"a=b", kind="application/x-www-form-urlencoded"))
    refused("charset", 415, "MEDIA_TYPE", ask("POST", contacts, good, kind="application/json; charset=latin1"))
    for path in ("?nope=1", "?limit=x", "?limit=1&limit=2", "?limit=9999", "?status=nothing"):
        refused(path, 400, "BAD_PARAMETER", ask("GET", "/api/v1/cases" + path))
    for path in ("?as_of=yesterday", "?history=maybe", "?min_seq=-1", "?q=x"):
        refused(path, 400, "BAD_PARAMETER", ask("GET", "/api/v1/cases/PTN-2026-000001" + path))
    for path in ("?from=0", "?from=x", "?type=nothing", "?from=99999999", "?customer=x"):
        refused(path, 400, "BAD_PARAMETER", ask("GET", "/api/v1/events" + path))
    refused("a foreign host", 403, "FORBIDDEN", ask("GET", "/api/v1/cases", headers={"Host": "evil.example"}))
    refused("who", 400, "BAD_HEADER", ask("GET", "/api/v1/cases", headers={"X-Careloop-Who": "x" * 101}))
    check("not stored", ask("GET", "/api/v1/figures")[2]["cases"] == cases)


def wrong_bytes():
    head = b"POST /api/v1/contacts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    check("no length", b" 411 " in raw(head + b"\r\n"))
    check("chunked", b" 411 " in raw(head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
    check("too large", b" 413 " in raw(head + b"Content-Length: 262145\r\n\r\n" + b"x" * 262145))
    check("too large, unsent", b" 413 " in raw(head + b"Content-Length: 99999999999\r\n\r\n", False))
    for length in (b"-1", b"1x", b"1, 1", b"99999999999999999999999"):
        check("length", b" 400 " in raw(head + b"Content-Length: " + length + b"\r\n\r\n{}", False), length)
    upgrade = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" \
              b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
    check("an offer of HTTP/2 is passed over", b" 200 " in raw(upgrade, False))
    for text in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"BREW / HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nUpgrade: other\r\nConnection: upgrade\r\nHost: x\r\n\r\n",
                 b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 9000 + b"\r\n"):
        try:
            check("garbage", b" 200 " not in raw(text, False), text[:30])
        except OSError:
            pass
        check("still there", ask("GET", "/healthz")[0] == 200, text[:30])


def stream():
    # Each position once, rising, and again from the middle.
    whole = events("/api/v1/events?from=1", {}, 40)
    places = [e[0] for e in whole]
    check("rising", places == sorted(set(places)) and all(e[2]["position"] == e[0] for e in whole))
    rest = events("/api/v1/events?from=1", {"Last-Event-ID": str(places[19])}, 20)
    check("goes on behind", [e[0] for e in rest] == places[20:])
    check("types", {e[1] for e in events("/api/v1/events?from=1&type=slip_created", {}, 2)} == {"slip_created"})


if mode == "open":
    main_job()
    idempotency()
    wrong_ways()
    wrong_bytes()
    stream()
    check("the log is without personal data", not re.search(
        "Trần|912345678|áo-1", open(sys.argv[3] + "/logs/gateway.log", encoding="utf-8").read()))
elif mode == "token":
    bearer = {"Authorization": "Bearer " + sys.argv[3]}
    answer = ask("GET", "/api/v1/cases")
    refused("without", 401, "UNAUTHORIZED", answer)
    check("challenge", answer[1]["WWW-Authenticate"].startswith("Bearer"))
    refused("wrong", 401, "UNAUTHORIZED", ask("GET", "/api/v1/cases", headers={"Authorization": "Bearer clt_x"}))
    check("with", ask("GET", "/api/v1/cases", headers=bearer)[0] == 200)
    refused("another who", 403, "FORBIDDEN", ask("GET", "/api/v1/cases", headers=dict(bearer, **{"X-Careloop-Who": "x"})))
    check("health needs none", ask("GET", "/healthz")[0] == 200)
else:
    check("revoked: open again on loopback", ask("GET", "/api/v1/cases")[0] == 200)
print(f"http_client {mode}: {failures} failures")
sys.exit(1 if failures else 0)
