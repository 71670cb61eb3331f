# The HTTP API over real services: tests/e2e/http_client.py asks; this starts, restarts and stops.
source "$(dirname "$0")/lib.sh"
client="$(dirname "$0")/http_client.py"
gateway="$BUILD/services/gateway/careloop-gateway"
listen=$(sed -n 's/^gateway_listen: //p' "$dir/careloop.yaml")
up
expect 0 timeout 300 python3 "$client" open "$listen" "$dir"
echo "$out"
# A token is needed from the moment there is one, and no longer when it is revoked.
token=$("$careloop" token create shop --dir "$dir" --quiet)
expect 0 timeout 60 python3 "$client" token "$listen" "$token"
expect 0 c token revoke shop
expect 0 timeout 60 python3 "$client" revoked "$listen" "$token"
expect 0 c down --quiet
# Beyond loopback nobody is served without a token, and the gateway says how to make one.
printf 'gateway_listen: 0.0.0.0:%s\n' "${listen##*:}" >"$dir/careloop.yaml"
expect 2 timeout 20 "$gateway" --dir "$dir"
says "careloop token create"
expect 2 timeout 20 "$gateway" --dir "$dir" --nonsense
expect 0 timeout 20 "$gateway" --version
verdict
