#!/usr/bin/env bash
# Imports: bad input says where, a cut-off import goes on, a repeated one changes nothing, services may die meanwhile.
. "$(dirname "$0")/lib.sh"
sample="$SOURCE/services/cli/import/sample.xes" map="$SOURCE/services/cli/import/maps/sample.yaml"
up
expect 0 c configure defaults --quiet
empty=$(lengths)

# Nothing of a file or map that is wrong at its start is stored, and the services live.
expect 2 c import "$sample"
says "--map"
expect 1 c import "$work/nothing.xes" --map "$map"
expect 2 c import "$sample" --map "$work/nothing.yaml"
sed 's/act: wait/act: wai/' "$map" >"$work/bad.yaml"
expect 2 c import "$sample" --map "$work/bad.yaml"
says "wai"
sed 's/activities:/activitys:/' "$map" >"$work/bad.yaml"
expect 2 c import "$sample" --map "$work/bad.yaml"
says "activitys"
sed '/<log /a <trace><string key="concept:name" value="x"/><event><string key="concept:name" value="Nhảy múa"/><date key="time:timestamp" value="2026-01-01T00:00:00Z"/></event></trace>' "$sample" >"$work/activity.xes"
expect 1 c import "$work/activity.xes" --map "$map"
says "Nhảy múa"
says "line 3"
sed '3s/</<</' "$sample" >"$work/broken.xes"
expect 1 c import "$work/broken.xes" --map "$map"
says "line 3"
gzip -c "$sample" >"$work/sample.xes.gz"
size=$(stat -c %s "$work/sample.xes.gz")
head -c $((size / 2)) "$work/sample.xes.gz" >"$work/cut.xes.gz"
expect 5 c import "$work/cut.xes.gz" --map "$map" --check
says "byte $((size / 2))"
same "nothing was stored" "$(lengths)" "$empty"
expect 0 c status
expect 0 c import "$sample" --map "$map" --check --lang vi
says "402"

# Cut off in the middle, and gone on.
expect 1 c import "$work/cut.xes.gz" --map "$map"
expect 0 c import "$work/sample.xes.gz" --map "$map" --json
says '"cases": 60'
says '"events": 402'
says '"found": 402'
says '"accounted": true'
says '"CASE_CLOSED": 9'
done_once=$(lengths)
expect 0 c import "$sample" --map "$map" --json
says '"new_cases": 0'
says '"new_events": 0'
says '"found": 402'
same "a repeated import changes nothing" "$(lengths)" "$done_once"
expect 0 c replay

# A source that grew: the new rows follow, the old ones stay.
sed 's/source: mau/source: lon/' "$map" >"$work/lon.yaml"
awk '/<event>/ { n++ } /<trace>/ { n = 0 } n < 3 || !/<\/?event>|concept:name|org:|time:timestamp/' "$sample" >"$work/half.xes"
expect 0 c import "$work/half.xes" --map "$work/lon.yaml" --json
half=$(sed -n 's/.*"events": \([0-9]*\),.*/\1/p' <<<"$out" | head -n 1)
expect 0 c import "$sample" --map "$work/lon.yaml" --json
says '"new_cases": 0'
says "\"new_events\": $((402 - half))"
says '"accounted": true'

# Every service dies once while an import runs; the importer itself too.
sed 's/source: mau/source: chet/' "$map" >"$work/chet.yaml"
for i in 1 2 3 4 5 6; do
	awk -v k="$i" '/<\?xml|<log |<extension/ { if (k == 1) print; next } /<\/log>/ { next } { sub(/value="CSKH-/, "value=\"CSKH-" k "-"); print }' k="$i" "$sample"
done >"$work/many.xes"
echo '</log>' >>"$work/many.xes"
pids=$(for service in support intake routing reporting; do pid_of "$service"; done)
"$careloop" import "$work/many.xes" --map "$work/chet.yaml" --dir "$dir" --json --window 20 >"$work/result" 2>&1 &
importer=$!
for pid in $pids; do
	kill -9 "$pid"
	until_true c status
done
wait "$importer"
same "the import's exit code" "$?" 0
out=$(cat "$work/result")
says '"cases": 360'
says '"events": 2412'
says '"accounted": true'
sed 's/source: mau/source: giua/' "$map" >"$work/giua.yaml"
"$careloop" import "$work/many.xes" --map "$work/giua.yaml" --dir "$dir" --quiet --window 5 &
importer=$!
until_true sh -c "'$careloop' case list --limit 1 --json --dir '$dir' | grep -q giua"
kill -9 "$importer"
wait "$importer" 2>/dev/null
expect 0 c import "$work/many.xes" --map "$work/giua.yaml" --json
says '"accounted": true'
says '"found": 2412'
expect 0 c log verify
expect 0 c replay
verdict
