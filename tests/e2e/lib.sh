# What the e2e scripts share. BUILD: build folder, SOURCE: the tree, FLIP: tool that damages logs, SLOW: sanitizers are on.
set -u
export CARELOOP_LANG=en CARELOOP_WHO=tester
unset CARELOOP_DIR CARELOOP_LIBEXEC
careloop="$BUILD/services/cli/careloop"
work=$(mktemp -d /tmp/careloop-e2e.XXXXXX)
dir="$work/data"
failures=0
finish() {
	local code=$?
	trap - EXIT INT TERM
	"$careloop" down --dir "$dir" --quiet >/dev/null 2>&1
	# What a sanitizer found in a service stands in the service's log.
	if grep -lE 'Sanitizer|runtime error' "$dir"/logs/*.log 2>/dev/null; then
		grep -hE -A 12 'Sanitizer|runtime error' "$dir"/logs/*.log | head -n 60
		failures=$((failures + 1))
	fi
	if [ "$failures" != 0 ] || { [ "$code" != 0 ] && [ "$code" != 77 ]; }; then # 77: skipped
		tail -n 5 "$dir"/logs/*.log 2>/dev/null
		code=1
	fi
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT INT TERM
# Ports of its own for what is not ipc.
mkdir -p "$dir"
printf 'gateway_listen: 127.0.0.1:%s\n' "$((20000 + RANDOM % 10000))" >"$dir/careloop.yaml"

c() { "$careloop" "$@" --dir "$dir"; }
# Runs a command and checks its exit code; what it said is in $out (both streams).
expect() { # CODE command...
	local want=$1 code
	shift
	out=$("$@" 2>&1)
	code=$?
	if [ "$code" != "$want" ]; then
		printf 'FAIL %s:%s: exit code %s instead of %s: %s\n%s\n' "$(basename "$0")" "${BASH_LINENO[0]}" "$code" "$want" "$*" "$out"
		failures=$((failures + 1))
	fi
}
# The text holds the words.
says() { # words, in $out
	case "$out" in
	*"$1"*) ;;
	*)
		printf 'FAIL %s:%s: “%s” is missing in:\n%s\n' "$(basename "$0")" "${BASH_LINENO[0]}" "$1" "$out"
		failures=$((failures + 1))
		;;
	esac
}
same() { # what, one, other
	if [ "$2" != "$3" ]; then
		printf 'FAIL %s:%s: %s: “%s” is not “%s”\n' "$(basename "$0")" "${BASH_LINENO[0]}" "$1" "$2" "$3"
		failures=$((failures + 1))
	fi
}
# Asks until the command succeeds; the bound is for what never comes.
until_true() { # command...
	local n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		if [ "$n" -gt 600 ]; then
			printf 'FAIL %s:%s: never: %s\n' "$(basename "$0")" "${BASH_LINENO[0]}" "$*"
			failures=$((failures + 1))
			return 1
		fi
		read -r -t 0.05 _ <> <(:) || :
	done
}
up() { expect 0 c up --detach --quiet; }
number_of() { sed -n 's/.*"number":"\([^"]*\)".*/\1/p' | head -n 1; }
# Lengths of the source logs without their checkpoints, which come with time.
lengths() { c log stat --json | sed -n 's/.*"log": "\([a-z]*\/[0-9]*\)".*"records": \([0-9]*\).*"checkpoints": \([0-9]*\).*/\1 \2 \3/p' | awk '$1 !~ /^reporting/ { print $1, $2 - $3 }'; }
pid_of() { # service, partition
	c status --json | python3 -c 'import json, sys
for s in json.load(sys.stdin)["services"]:
    if s["service"] == sys.argv[1] and s.get("partition") == int(sys.argv[2]):
        print(s["pid"])' "$1" "${2:-0}"
}
verdict() { [ "$failures" = 0 ] && echo "$(basename "$0"): passed"; }
