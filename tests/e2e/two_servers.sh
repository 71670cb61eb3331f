#!/usr/bin/env bash
# deploy/two-servers as it stands, in two network namespaces joined by a cable (veth): a contact taken in on a becomes a case in
# b's archive; what crosses is sealed; each server works on while the other cannot be reached; without a key nothing starts; a
# wrong key lets nothing through and is counted. Needs root: 77 (skipped) where namespaces may not be made.
. "$(dirname "$0")/lib.sh"
a=careloop-a-$$ b=careloop-b-$$
finish() {
	local code=$?
	trap - EXIT INT TERM
	[ -z "${sniffer:-}" ] || kill "$sniffer" 2>/dev/null
	for side in a b; do
		on "$side" down --quiet >/dev/null 2>&1
		[ "$failures" = 0 ] && [ "$code" = 0 ] || [ "$code" = 77 ] || tail -n 5 "$work/$side"/data/logs/*.log 2>/dev/null
	done
	ip netns del "$a" 2>/dev/null
	ip netns del "$b" 2>/dev/null
	[ "$failures" = 0 ] || code=1
	rm -rf "$work"
	exit "$code"
}
at() { # a|b command...: on that server
	local name="$1"
	shift
	ip netns exec "${!name}" "$@"
}
on() { # a|b careloop's arguments...: careloop on that server, with its file and data folder
	local name="$1"
	shift
	at "$name" "$careloop" "$@" --dir "$work/$name/data" --config "$work/$name/careloop.yaml"
}
if [ "$(id -u)" != 0 ] || ! ip netns add "$a" 2>/dev/null; then
	echo "two_servers.sh: skipped: needs root and the right to make network namespaces (ip netns)"
	exit 77
fi
if ! ip netns exec "$a" true 2>/dev/null; then
	echo "two_servers.sh: skipped: nothing can be run in a network namespace here (a chroot has no mount of its own)"
	exit 77
fi
ip netns add "$b" && ip -n "$a" link add lan type veth peer name lan netns "$b" || exit 1
ip -n "$a" address add 192.0.2.1/24 dev lan && ip -n "$b" address add 192.0.2.2/24 dev lan
for name in "$a" "$b"; do ip -n "$name" link set lo up && ip -n "$name" link set lan up; done

mkdir -p "$work/a" "$work/b"
for side in a b; do cp "$SOURCE/deploy/two-servers/$side.yaml" "$work/$side/careloop.yaml"; done

# Without a key: refused, with the reason and the way out, and not tried again and again.
service_a() { at a "$BUILD/services/intake/careloop-intake" --dir "$work/a/data" --config "$work/a/careloop.yaml"; }
expect 2 service_a
says "cluster.key"
expect 1 on a up --detach
says "not tried again"
says "cluster.key"
sed -i '/^cluster_key_file/d' "$work/a/careloop.yaml"
expect 2 on a up --detach
says "cluster_key_file"
expect 2 service_a
says "cluster_key_file"
cp "$SOURCE/deploy/two-servers/a.yaml" "$work/a/careloop.yaml"
# A key that others may read is no key.
(umask 077 && python3 -c 'import secrets; print(secrets.token_hex(32))' >"$work/a/cluster.key")
chmod 644 "$work/a/cluster.key"
expect 2 service_a
says "chmod 600"
expect 1 on a up --detach
says "chmod 600"
chmod 600 "$work/a/cluster.key"

# With the key: one system.
cp "$work/a/cluster.key" "$work/b/cluster.key"
mkdir -p -m 700 "$work/b/data/keys"
expect 0 on a up --detach --quiet
cp -p "$work/a/data/keys/identity.key" "$work/b/data/keys/identity.key"
expect 0 on b up --detach --quiet
expect 0 on a configure defaults --quiet
expect 0 on a status
says "reporting/0"
expect 0 on b status
says "intake/0"
ip netns exec "$b" python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
s.bind(("lan", 0))
with open(sys.argv[1], "wb", buffering=0) as out:
    out.write(b"listening\n")
    while True:
        out.write(s.recv(65536))' "$work/wire" &
sniffer=$!
until_true grep -q listening "$work/wire"
secret="Nguyễn Thị Kín"
expect 0 on a contact add --name "$secret" --phone 0901234567 --text "Máy giặt kêu to" --json
number=$(number_of <<<"$out")
[ -n "$number" ] || failures=$((failures + 1))
until_true on b case show "$number"
expect 0 on b case show "$number"
says "$secret"
expect 0 on a case list
says "$number"
expect 0 on b case work "$number" --text "Đã gọi"
until_true grep -q CLS1 "$work/wire"
kill "$sniffer"
wait "$sniffer" 2>/dev/null
sniffer=""
grep -q "$secret" "$work/wire" && { echo "FAIL: a name crossed the wire in clear"; failures=$((failures + 1)); }

# The cable is pulled: a still takes contacts in, and the case is there when it is back.
ip -n "$a" link set lan down
expect 0 on a contact add --name "Bình" --phone 0907654321 --text "Đơn hàng chưa tới" --json
second=$(number_of <<<"$out")
expect 1 on a status --timeout 300
says "support/0"
ip -n "$a" link set lan up
until_true on b case show "$second"

# Both logs stand, each server's own.
for side in a b; do expect 0 on "$side" log verify; done
logs_of() { on "$1" log stat --json | sed -n 's/.*"log": "\([^"]*\)".*/\1/p' | tr '\n' ' '; }
same "logs on a" "$(logs_of a)" "intake/0 routing/0 "
same "logs on b" "$(logs_of b)" "order/0 support/0 reporting/0 "
until_true on a status

# Another key on b: its services start, and nothing passes in either direction.
denied() { # a|b service: frames that it refused
	on "$1" status --json | python3 -c 'import json, sys
print(next((s["stats"]["denied"] for s in json.load(sys.stdin)["services"] if s["service"] == sys.argv[1] and "stats" in s), -1))' "$2"
}
at_least() { [ "$(denied "$1" "$2")" -gt "$3" ]; }
records_on_b() { on b log stat --json | sed -n 's/.*"log": "\(.*\)", "service".*"records": \([0-9]*\).*"checkpoints": \([0-9]*\).*/\1 \2 \3/p' | awk '$1 !~ /reporting/ { print $1, $2 - $3 }'; }
expect 0 on b down --quiet
before=$(records_on_b)
(umask 077 && python3 -c 'import secrets; print(secrets.token_hex(32))' >"$work/b/cluster.key")
expect 0 on b up --detach --quiet
refused=$(denied a routing)
expect 0 on a contact add --name "Cúc" --phone 0909999999 --text "Hỏi giá" --json
third=$(number_of <<<"$out")
until_true at_least a routing "$refused"
until_true at_least b support 0
same "nothing reached b" "$(records_on_b)" "$before"

# The right key again: what was missed comes.
cp "$work/a/cluster.key" "$work/b/cluster.key"
expect 0 on b down --quiet
expect 0 on b up --detach --quiet
until_true on b case show "$third"
for side in a b; do
	expect 0 on "$side" down --quiet
	expect 0 on "$side" log verify
done

# A corrupt log on a is rebuilt from the archive, brought over from b, as deploy/README.md says.
expect 0 "$FLIP" "$work/a/data/routing-0" 20
expect 5 on a log verify
says "routing/0"
sed '/^run:/d' "$work/a/careloop.yaml" >"$work/a/repair.yaml"
cp -a "$work/b/data/reporting-0" "$work/a/data/"
expect 0 "$careloop" log repair --service routing --dir "$work/a/data" --config "$work/a/repair.yaml"
rm -rf "$work/a/data/reporting-0"
expect 0 on a log verify
for side in a b; do expect 0 on "$side" up --detach --quiet; done
expect 0 on a contact add --name "Dũng" --phone 0908888888 --text "Hỏi bảo hành" --json
fourth=$(number_of <<<"$out")
until_true on b case show "$fourth"
verdict
