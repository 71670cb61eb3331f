#!/usr/bin/env bash
# up, down, status: one supervisor per folder, what dies is started again, nothing is left behind.
. "$(dirname "$0")/lib.sh"
expect 0 c down
says "No supervisor"
expect 1 c status
printf 'partitions: x\n' >"$work/bad.yaml"
expect 2 c up --detach --config "$work/bad.yaml"
says "partitions"
expect 0 c up --detach
says "support/0 is ready"
expect 0 c status
says "running"
expect 0 c status --json
says '"supervised": true'
expect 1 c up
says "already runs"
expect 1 c up --detach
expect 0 c configure defaults --quiet

# What dies is started again; what was acknowledged is there.
expect 0 c contact add --name "Lan" --phone 0901234567 --text "Hỏi" --json
number=$(number_of <<<"$out")
until_true c case show "$number"
for service in intake routing order support reporting; do
	old=$(pid_of "$service")
	kill -9 "$old"
	until_true sh -c "'$careloop' status --dir '$dir'"
	[ "$(pid_of "$service")" != "$old" ] || failures=$((failures + 1))
done
expect 0 c case show "$number"
says "Lan"
expect 0 cat "$dir/logs/supervisor.log"
says "support/0 was ended by signal 9"

# The supervisor itself dies: its children go too, no partition stays locked, and up works again.
supervisor=$(c status --json | sed -n 's/.*"supervisor_pid": \([0-9]*\).*/\1/p')
children=$(for service in intake routing order support reporting; do pid_of "$service"; done)
kill -9 "$supervisor"
for child in $children; do until_true sh -c "! kill -0 $child"; done
expect 1 c status
expect 0 c up --detach
expect 0 c case show "$number"

# down: gone means gone.
children=$(for service in intake routing order support reporting; do pid_of "$service"; done)
expect 0 c down
says "Stopped"
for child in $children; do kill -0 "$child" 2>/dev/null && failures=$((failures + 1)); done
expect 0 c log verify
expect 1 c contact add --name x --text x
says "careloop up"

# In the foreground, stopped by a signal; and a fault that another start would only repeat ends it.
"$careloop" up --dir "$dir" >"$work/up" 2>&1 &
up=$!
until_true c status
kill -INT "$up"
wait "$up"
same "exit code after Ctrl-C" "$?" 0
printf 'services:\n  intake:\n    partitions: 2\n' >>"$dir/careloop.yaml"
expect 2 c up --detach
says "partition"
verdict
