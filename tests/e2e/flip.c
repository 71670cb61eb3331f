/* Damages a log for tests: flip FOLDER SEQ changes one byte of a record, flip FOLDER SEQ cut drops it and all behind
 * it, flip FOLDER SEQ forge changes the byte and makes the checksum right again, as an attacker with the file would. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "log/be.h"
#include "log/kv.h"
#include "log/record.h"
#include "uv/service.h"

static int rewrite(struct cl_kv *kv, struct cl_kv_txn *txn, struct cl_bytes key, bool forge) {
	struct cl_bytes value;
	struct cl_buf copy, forged;
	struct cl_stored stored;
	int code = kv->ops->get(txn, CL_EVENTS, key, &value);
	if (code != CL_OK)
		return code;
	cl_buf_init(&copy);
	cl_buf_init(&forged);
	cl_buf_put(&copy, value.p, value.n);
	if (forge) {
		code = cl_stored_open(value, &stored);
		if (code == CL_OK) {
			cl_buf_clear(&copy);
			cl_buf_put(&copy, stored.record.p, stored.record.n);
			copy.p[copy.n - 1] ^= 1;
			cl_stored_put(stored.hash, cl_buf_bytes(&copy), &forged);
			code = kv->ops->put(txn, CL_EVENTS, key, cl_buf_bytes(&forged), false);
		}
	} else {
		copy.p[copy.n - 1] ^= 1;
		code = kv->ops->put(txn, CL_EVENTS, key, cl_buf_bytes(&copy), false);
	}
	cl_buf_done(&copy);
	cl_buf_done(&forged);
	return code;
}

static int cut(struct cl_kv *kv, struct cl_kv_txn *txn, uint64_t seq) {
	uint8_t key[8];
	int code = CL_OK;
	for (; code == CL_OK; seq++) {
		cl_be64_put(key, seq);
		code = kv->ops->del(txn, CL_EVENTS, (struct cl_bytes){key, sizeof(key)});
	}
	return code == CL_E_NOTFOUND ? CL_OK : code;
}

int main(int argc, char **argv) {
	uint8_t key[8];
	uint64_t seq;
	struct cl_kv *kv;
	struct cl_kv_txn *txn;
	if (argc < 3 || cl_str_u64(cl_str_from(argv[2]), &seq) != CL_OK) {
		fprintf(stderr, "usage: flip FOLDER SEQ [cut|forge]\n");
		return 2;
	}
	int code = cl_kv_lmdb_open(argv[1], 1 << 30, false, &kv);
	if (code == CL_OK)
		code = kv->ops->begin(kv, true, &txn);
	if (code != CL_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], cl_error_text(code));
		return 1;
	}
	cl_be64_put(key, seq);
	if (argc > 3 && strcmp(argv[3], "cut") == 0)
		code = cut(kv, txn, seq);
	else
		code = rewrite(kv, txn, (struct cl_bytes){key, sizeof(key)}, argc > 3 && strcmp(argv[3], "forge") == 0);
	if (code == CL_OK)
		code = kv->ops->commit(txn);
	else
		kv->ops->abort(txn);
	kv->ops->close(kv);
	if (code != CL_OK)
		fprintf(stderr, "%s: %s\n", argv[1], cl_error_text(code));
	return code == CL_OK ? 0 : 1;
}
