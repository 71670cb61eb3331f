/* A consumer of a log's records as a stranger would write it from common/uv/PROTOCOL.md: nothing of careloop's own
 * code, only nanomsg and msgpack-c. Prints one line per record: sequence, type, actor, chain hash.
 *
 *   outsider_consumer LOG_ADDRESS REPLY_ADDRESS UNTIL_SEQ
 */
#include <inttypes.h>
#include <msgpack.h>
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { SUBSCRIBE = 0x3007, RECORDS = 0x3008, CREDIT = 0x3009, ENDED = 0x300a };
enum { WINDOW = 1 << 20, FRAME_MAX = 2097152 + 256 };

struct consumer {
	int push;
	const char *reply_to;
	char sender[32];
	uint8_t id[16];    /* of the present subscription */
	uint64_t position; /* last sequence that we hold */
	uint8_t hash[32];  /* its chain hash */
	uint64_t owed;     /* bytes taken and not yet granted again */
	uint64_t until;
	time_t heard, spoke; /* seconds of the monotonic clock */
};

static time_t now(void) {
	struct timespec time;
	if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
		abort();
	return time.tv_sec;
}

/* -- what we say: [1, sender, [type, {tag: value}]] -- */

static void begin(msgpack_packer *packer, msgpack_sbuffer *buffer, const struct consumer *consumer, int type,
                  size_t fields) {
	msgpack_sbuffer_init(buffer);
	msgpack_packer_init(packer, buffer, msgpack_sbuffer_write);
	msgpack_pack_array(packer, 3);
	msgpack_pack_uint8(packer, 1);
	msgpack_pack_str_with_body(packer, consumer->sender, strlen(consumer->sender));
	msgpack_pack_array(packer, 2);
	msgpack_pack_uint16(packer, (uint16_t)type);
	msgpack_pack_map(packer, fields);
	msgpack_pack_uint8(packer, 1);
	msgpack_pack_bin_with_body(packer, consumer->id, sizeof(consumer->id));
}

static void send_frame(struct consumer *consumer, msgpack_sbuffer *buffer) {
	if (nn_send(consumer->push, buffer->data, buffer->size, NN_DONTWAIT) >= 0)
		consumer->spoke = consumer->heard = now();
	else
		consumer->heard = now() - 10; /* not connected yet: subscribe again soon */
	msgpack_sbuffer_destroy(buffer);
}

static void subscribe(struct consumer *consumer) {
	msgpack_packer packer;
	msgpack_sbuffer buffer;
	if (getrandom(consumer->id, sizeof(consumer->id), 0) != sizeof(consumer->id))
		abort();
	consumer->owed = 0;
	bool fresh = consumer->position == 0;
	begin(&packer, &buffer, consumer, SUBSCRIBE, fresh ? 3 : 5);
	msgpack_pack_uint8(&packer, 2);
	msgpack_pack_str_with_body(&packer, consumer->reply_to, strlen(consumer->reply_to));
	if (!fresh) {
		msgpack_pack_uint8(&packer, 3);
		msgpack_pack_uint64(&packer, consumer->position);
		msgpack_pack_uint8(&packer, 4);
		msgpack_pack_bin_with_body(&packer, consumer->hash, sizeof(consumer->hash));
	}
	msgpack_pack_uint8(&packer, 5);
	msgpack_pack_uint32(&packer, WINDOW);
	send_frame(consumer, &buffer);
}

static void grant(struct consumer *consumer) {
	msgpack_packer packer;
	msgpack_sbuffer buffer;
	begin(&packer, &buffer, consumer, CREDIT, 2);
	msgpack_pack_uint8(&packer, 2);
	msgpack_pack_uint64(&packer, consumer->owed ? consumer->owed : 1);
	consumer->owed = 0;
	send_frame(consumer, &buffer);
}

/* -- what we hear -- */

static const msgpack_object *field(const msgpack_object *map, uint64_t tag) {
	for (uint32_t i = 0; i < map->via.map.size; i++)
		if (map->via.map.ptr[i].key.type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
		    map->via.map.ptr[i].key.via.u64 == tag)
			return &map->via.map.ptr[i].val;
	return NULL;
}

static uint64_t number(const msgpack_object *map, uint64_t tag) { /* absent means 0 */
	const msgpack_object *value = field(map, tag);
	return value && value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? value->via.u64 : 0;
}

static bool bytes(const msgpack_object *map, uint64_t tag, void *out, size_t n) {
	const msgpack_object *value = field(map, tag);
	if (!value || value->type != MSGPACK_OBJECT_BIN || value->via.bin.size != n)
		return false;
	memcpy(out, value->via.bin.ptr, n);
	return true;
}

static bool print_record(const msgpack_object *entry) {
	const msgpack_object *bin = field(entry, 1);
	uint8_t hash[32];
	msgpack_unpacked record;
	if (!bin || bin->type != MSGPACK_OBJECT_BIN || !bytes(entry, 2, hash, sizeof(hash)))
		return false;
	msgpack_unpacked_init(&record);
	bool fine = msgpack_unpack_next(&record, bin->via.bin.ptr, bin->via.bin.size, NULL) == MSGPACK_UNPACK_SUCCESS &&
	            record.data.type == MSGPACK_OBJECT_ARRAY && record.data.via.array.size == 15;
	if (fine) {
		const msgpack_object *item = record.data.via.array.ptr;
		printf("%" PRIu64 " %" PRIu64 " ", item[1].via.u64, item[4].via.u64);
		for (uint32_t i = 0; i < item[7].via.bin.size; i++)
			printf("%02x", (unsigned char)item[7].via.bin.ptr[i]);
		putchar(' ');
		for (size_t i = 0; i < sizeof(hash); i++)
			printf("%02x", hash[i]);
		putchar('\n');
	}
	msgpack_unpacked_destroy(&record);
	return fine;
}

static void take_records(struct consumer *consumer, const msgpack_object *body) {
	const msgpack_object *list = field(body, 6);
	uint64_t after = number(body, 2), upto = number(body, 3);
	if (after != consumer->position || upto < after) {
		subscribe(consumer); /* a frame was lost: from where we stand, again */
		return;
	}
	for (uint32_t i = 0; list && i < list->via.array.size; i++) {
		const msgpack_object *entry = &list->via.array.ptr[i];
		if (!print_record(entry)) {
			fprintf(stderr, "a record that is none behind %" PRIu64 "\n", consumer->position);
			exit(1);
		}
		consumer->owed += field(entry, 1)->via.bin.size + 32;
	}
	if (upto > after) {
		consumer->position = upto;
		if (!bytes(body, 4, consumer->hash, sizeof(consumer->hash)))
			exit(1);
	}
	if (consumer->owed >= WINDOW / 4)
		grant(consumer);
}

static void take_message(struct consumer *consumer, const msgpack_object *message) {
	uint8_t id[16];
	if (message->type != MSGPACK_OBJECT_ARRAY || message->via.array.size != 2)
		return;
	const msgpack_object *body = &message->via.array.ptr[1];
	uint64_t type = message->via.array.ptr[0].via.u64;
	if (body->type != MSGPACK_OBJECT_MAP || !bytes(body, 1, id, sizeof(id)) || memcmp(id, consumer->id, 16) != 0)
		return; /* of an earlier subscription */
	consumer->heard = now();
	if (type == RECORDS) {
		take_records(consumer, body);
	} else if (type == ENDED) {
		fprintf(stderr, "ended with status %" PRIu64 ", head %" PRIu64 "\n", number(body, 2), number(body, 3));
		exit(3);
	}
}

static void take_frame(struct consumer *consumer, const char *p, size_t n) {
	msgpack_unpacked frame;
	msgpack_unpacked_init(&frame);
	if (msgpack_unpack_next(&frame, p, n, NULL) == MSGPACK_UNPACK_SUCCESS &&
	    frame.data.type == MSGPACK_OBJECT_ARRAY && frame.data.via.array.size >= 2 &&
	    frame.data.via.array.ptr[0].via.u64 == 1)
		for (uint32_t i = 2; i < frame.data.via.array.size; i++)
			take_message(consumer, &frame.data.via.array.ptr[i]);
	msgpack_unpacked_destroy(&frame);
}

int main(int argc, char **argv) {
	if (argc != 4) {
		fprintf(stderr, "usage: %s LOG_ADDRESS REPLY_ADDRESS UNTIL_SEQ\n", argv[0]);
		return 2;
	}
	int limit_ms = 250, max = FRAME_MAX, pull = nn_socket(AF_SP, NN_PULL);
	struct consumer consumer = {.reply_to = argv[2], .until = strtoull(argv[3], NULL, 10)};
	consumer.push = nn_socket(AF_SP, NN_PUSH);
	snprintf(consumer.sender, sizeof(consumer.sender), "client/%ld", (long)getpid());
	if (pull < 0 || consumer.push < 0 || nn_setsockopt(pull, NN_SOL_SOCKET, NN_RCVMAXSIZE, &max, sizeof(max)) < 0 ||
	    nn_setsockopt(pull, NN_SOL_SOCKET, NN_RCVTIMEO, &limit_ms, sizeof(limit_ms)) < 0 ||
	    nn_bind(pull, argv[2]) < 0 || nn_connect(consumer.push, argv[1]) < 0) {
		fprintf(stderr, "%s\n", nn_strerror(nn_errno()));
		return 1;
	}
	consumer.heard = now() - 10; /* silent for long: subscribe at once */
	while (consumer.position < consumer.until) {
		char *p = NULL;
		if (now() - consumer.heard >= 3)
			subscribe(&consumer);
		else if (now() - consumer.spoke >= 5)
			grant(&consumer);
		int n = nn_recv(pull, &p, NN_MSG, 0);
		if (n >= 0) {
			take_frame(&consumer, p, (size_t)n);
			nn_freemsg(p);
		}
	}
	nn_close(consumer.push);
	nn_close(pull);
	return fflush(stdout) == 0 ? 0 : 1;
}
