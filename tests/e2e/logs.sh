#!/usr/bin/env bash
# Damaged logs: verify names the record, the service refuses to start and says how to recover, repair brings all of it back.
. "$(dirname "$0")/lib.sh"
anchors="$work/anchors"
printf 'anchors: %s\ncheckpoint_records: 50\n' "$anchors" >>"$dir/careloop.yaml"
up
expect 0 c configure defaults --quiet
expect 0 c import "$SOURCE/services/cli/import/sample.xes" --map "$SOURCE/services/cli/import/maps/sample.yaml" --quiet

expect 0 c log stat --json
says '"log": "support/0"'
python3 -c 'import json,sys
logs = json.loads(sys.argv[1])["logs"]
assert len(logs) == 5, logs
for log in logs:
    assert len(log["head"]) == 64 and log["records"] > 0 and log["bytes"] > 0 and log["log_id"] and log["first_recorded"] <= log["last_recorded"], log' "$out" || failures=$((failures + 1))
expect 4 c log stat nothing/7
expect 0 c log tail support/0 -n 2
same "two lines" "$(wc -l <<<"$out")" 2
expect 0 c log tail --json -n 1
expect 0 c log verify --anchors "$anchors"
expect 1 c log repair --service support
says "careloop down"
expect 2 c log repair --service nothing
expect 0 c down
cp -a "$dir" "$work/whole"
again() { rm -rf "$dir"; cp -a "$work/whole" "$dir"; }
records() { c log stat --json | sed -n 's/.*"log": "'"$(sed 's/\//\\\//' <<<"$1")"'".*"records": \([0-9]*\),.*/\1/p'; }
whole=$(records support/0)

# A flipped byte.
"$FLIP" "$dir/support-0" 100
expect 5 c log verify
says "support/0"
says "100"
says "log repair"
expect 1 c up --detach
says "support/0"
says "log repair"
expect 0 c log repair --service support
expect 0 c log verify
same "all records are back" "$(records support/0)" "$whole"
ls -d "$dir"/support-0.damaged-* >/dev/null || failures=$((failures + 1))
up
expect 0 c replay
expect 0 c import "$SOURCE/services/cli/import/sample.xes" --map "$SOURCE/services/cli/import/maps/sample.yaml" --json
says '"new_events": 0'
expect 0 c down

# A byte changed with its checksum made right: the chain shows it.
again
"$FLIP" "$dir/intake-0" 60 forge
expect 5 c log verify
says "intake/0"
says "60"
expect 0 c log repair --service intake
expect 0 c log verify

# A tail cut off: by itself such a log looks whole; the archive and the anchors know better.
again
"$FLIP" "$dir/routing-0" 50 cut
expect 5 c log verify
says "routing/0"
expect 5 c log verify routing/0 --anchors "$anchors"
says "anchor"
expect 0 c log repair --service routing
expect 0 c log verify --anchors "$anchors"

# The archive itself: moved away, it is copied anew from the sources.
again
"$FLIP" "$dir/reporting-0" 70
expect 5 c log verify
says "reporting/0"
mv "$dir/reporting-0" "$work/reporting-damaged"
up
expect 0 c import "$SOURCE/services/cli/import/sample.xes" --map "$SOURCE/services/cli/import/maps/sample.yaml" --json
says '"found": 402'
expect 0 c log verify
expect 0 c down

# What replay tells: an actor's state that no event explains, and a moment of the past.
again
expect 0 c replay
expect 0 c replay --until 100 --json
says '"upto": 100'
expect 0 c replay --until 2020-01-01 --json
says '"records": 0'
expect 2 c replay --until nonsense
verdict
