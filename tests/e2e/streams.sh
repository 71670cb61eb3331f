#!/usr/bin/env bash
# The stream: every event once, in order, none missing, from any position, of one type, of one customer; and exports of it.
. "$(dirname "$0")/lib.sh"
up
expect 0 c configure defaults --quiet
expect 0 c import "$SOURCE/services/cli/import/sample.xes" --map "$SOURCE/services/cli/import/maps/sample.yaml" --quiet
c subscribe --until-head >"$work/all"
sources=$(c log stat --json | sed -n 's/.*"log": "\([a-z]*\)\/.*"records": \([0-9]*\),.*/\1 \2/p' | awk '$1 != "reporting" { n += $2 } END { print n }')
python3 - "$work/all" "$sources" <<'PY' || failures=$((failures + 1))
import json, sys
last, seen = 0, {}
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
for line in lines:
    event = json.loads(line)
    assert event["position"] > last, event
    last = event["position"]
    log = (event["service"], event["partition"])
    assert event["seq"] == seen.get(log, 0) + 1, event  # each source in its order, without a gap
    seen[log] = event["seq"]
assert len(lines) == int(sys.argv[2]), (len(lines), sys.argv[2])
PY
half=$(sed -n '300s/.*"position":\([0-9]*\),.*/\1/p' "$work/all")
c subscribe --from "$half" --until-head >"$work/rest"
same "what follows a position" "$(md5sum <"$work/rest")" "$(tail -n +300 "$work/all" | head -n "$(wc -l <"$work/rest")" | md5sum)"
same "one type" "$(c subscribe --type case_closed --until-head | wc -l)" "$(grep -c '"type":"case_closed"' "$work/all")"
same "two types" "$(c subscribe --type case_closed,case_opened --until-head | wc -l)" "$(grep -cE '"type":"case_(closed|opened)"' "$work/all")"
expect 2 c subscribe --type nothing
says "nothing"
expect 2 c subscribe --from x

# Following: what happens now arrives, and Ctrl-C ends it in peace.
"$careloop" subscribe --from "$(($(tail -n 1 "$work/all" | sed 's/.*"position":\([0-9]*\),.*/\1/') + 1))" --dir "$dir" >"$work/live" 2>"$work/live.err" &
follower=$!
expect 0 c contact add --name "Trần Văn Khánh" --phone 0911222333 --text "Hỏi giá" --json
number=$(number_of <<<"$out")
until_true grep -q "case_opened" "$work/live"
kill -INT "$follower"
wait "$follower"
same "exit code after Ctrl-C" "$?" 0
same "nothing on stderr" "$(cat "$work/live.err")" ""

# One customer: contacts by phone and by email are two until a third names both phone and email.
expect 0 c contact add --name "Khánh" --email khanh@example.com --channel email --text "Máy hỏng" --json
second=$(number_of <<<"$out")
until_true c customer show khanh@example.com
customer=$(c customer show 0911222333 | sed -n 's/^Customer id: //p')
c subscribe --customer "$customer" --until-head >"$work/one"
same "the customer's slip" "$(grep -c "\"slip_created\".*$number" "$work/one")" 1
same "another's slip is not theirs" "$(grep -c "$second" "$work/one")" 0
until_true c case show "$number"
expect 0 c case work "$number" "Đã gọi"
until_true sh -c "'$careloop' subscribe --customer '$customer' --until-head --dir '$dir' | grep -q case_worked"
"$careloop" subscribe --customer "$customer" --dir "$dir" >"$work/live" &
follower=$!
until_true grep -q case_worked "$work/live"
expect 0 c customer merge khanh@example.com 0911222333 --reason "Cùng một người"
until_true grep -q "slip_created.*$second" "$work/live"
kill -TERM "$follower"
wait "$follower"
same "exit code after SIGTERM" "$?" 0
same "each event once" "$(sort "$work/live" | uniq -d | wc -l)" 0
other=$(c customer show khanh@example.com | sed -n 's/^Customer id: //p')
expect 0 c customer unmerge "$other" --reason "Nhầm"

# Exports.
until_true sh -c "'$careloop' log tail support/0 -n 1 --dir '$dir'"
expect 0 c export --out "$work/x.ndjson"
python3 -c 'import json,sys
for line in open(sys.argv[1], encoding="utf-8"): json.loads(line)' "$work/x.ndjson" || failures=$((failures + 1))
expect 0 c export --format csv --out "$work/x.csv"
python3 - "$work/x.csv" "$(wc -l <"$work/x.ndjson")" <<'PY' || failures=$((failures + 1))
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")))
assert len(rows) >= int(sys.argv[2]), len(rows)
assert all(json.loads(row["data"]) is not None for row in rows if row["data"])
PY
expect 0 c export --format xes --out "$work/x.xes"
python3 - "$work/x.xes" <<'PY' || failures=$((failures + 1))
import sys, xml.etree.ElementTree as tree
ns = "{http://www.xes-standard.org/}"
root = tree.parse(sys.argv[1]).getroot()
traces = root.findall(ns + "trace")
assert len(traces) == 62, len(traces)
for trace in traces:
    assert trace.find(ns + "string[@key='concept:name']").get("value").startswith("PTN-")
    assert len(trace.findall(ns + "event")) >= 2
text = open(sys.argv[1], encoding="utf-8").read()
assert "0911222333" not in text and "84911222333" not in text  # personal data stays out
PY
expect 2 c export --format pdf
expect 1 c export --out "$work/no/such/folder"
verdict
