#!/usr/bin/env bash
# deploy/install and the systemd units: installed into a folder, what is there runs, systemd finds nothing wrong with the units and
# no unit is more exposed than we say. Where systemd is not installed: 77 (skipped) after the part that needs none.
. "$(dirname "$0")/lib.sh"
root="$work/root"
if [ ! -x "$BUILD/services/gateway/careloop-gateway" ]; then
	echo "deploy_units.sh: skipped: the gateway is not built"
	exit 77
fi
expect 0 "$SOURCE/deploy/install" --bin "$BUILD" --destdir "$root"
says "$root/usr/bin/careloop"
says "$root/etc/careloop/careloop.yaml"
expect 2 "$SOURCE/deploy/install" --unknown
expect 1 "$SOURCE/deploy/install" --bin "$work" --destdir "$root"
says "build first"

# Installed programs find each other; the shipped configuration is taken as it is, but for the folder.
installed="$root/usr/bin/careloop"
grep -qx 'dir: /var/lib/careloop' "$root/etc/careloop/careloop.yaml" || { echo "FAIL: dir is not set"; failures=$((failures + 1)); }
sed "s|^gateway_listen: .*|$(cat "$dir/careloop.yaml")|" "$root/etc/careloop/careloop.yaml" >"$work/careloop.yaml"
expect 0 "$installed" up --detach --dir "$dir" --config "$work/careloop.yaml"
expect 0 "$installed" status --dir "$dir" --config "$work/careloop.yaml"
says "gateway"
expect 0 "$installed" down --dir "$dir" --config "$work/careloop.yaml"

# Again: the administrator's file stays.
echo '# mine' >>"$root/etc/careloop/careloop.yaml"
expect 0 "$SOURCE/deploy/install" --bin "$BUILD" --destdir "$root" --prefix /usr/local
says "stays as it is"
expect 0 grep -q '# mine' "$root/etc/careloop/careloop.yaml"
expect 0 grep -q 'ExecStart=/usr/local/lib/careloop/careloop-gateway ' "$root/usr/local/lib/systemd/system/careloop-gateway.service"

if ! command -v systemd-analyze >/dev/null; then
	[ "$failures" = 0 ] || exit 1
	echo "deploy_units.sh: units not checked: systemd-analyze is not installed"
	exit 77
fi
# Programs stand where the units name them only once installed: name them where they are.
mkdir "$work/units"
for unit in "$root"/usr/lib/systemd/system/*; do
	name=$(basename "$unit" | sed 's/@\./@0./')
	sed "s|/usr/lib/careloop/|$root/usr/lib/careloop/|; s|file:///usr/|file://$root/usr/|" "$unit" >"$work/units/$name"
done
same "units" "$(cd "$work/units" && echo *)" "careloop-gateway.service careloop-intake@0.service careloop-order@0.service careloop-reporting.service careloop-routing@0.service careloop-support@0.service careloop.target"
expect 0 systemd-analyze verify --man=no "$work"/units/*
same "what systemd says of the units" "$out" ""
for unit in "$work"/units/*.service; do expect 0 systemd-analyze security --offline=true --threshold=15 "$unit"; done
verdict
