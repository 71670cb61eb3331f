#!/usr/bin/env bash
# The main job as the quickstart checks it, with 1 and with 4 partitions per service, over ipc and over tcp. Under sanitizers on
# our small sample; else on the real history where it is at hand.
set -u
unset CARELOOP_DIR CARELOOP_LIBEXEC
sample="--file $SOURCE/services/cli/import/sample.xes --map $SOURCE/services/cli/import/maps/sample.yaml"
[ -n "${SLOW:-}" ] || sample=""
code=0
for partitions in 1 4; do
	for transport in ipc tcp; do
		# shellcheck disable=SC2086
		if "$SOURCE/deploy/quickstart" --check --bin "$BUILD" --partitions "$partitions" --transport "$transport" $sample >"/tmp/careloop-main-job.$$" 2>&1; then
			echo "main job, $partitions partitions, $transport: $(tail -n 1 "/tmp/careloop-main-job.$$")"
		else
			echo "FAIL main job, $partitions partitions, $transport"
			tail -n 60 "/tmp/careloop-main-job.$$"
			code=1
		fi
		rm -f "/tmp/careloop-main-job.$$"
	done
done
exit "$code"
