#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/slip.h"
#include "codec.h"
#include "order/order.h"

#define CALL_LIMIT_MS 60000
#define LOOK_AGAIN_MS 40

static int64_t now_ms(void) {
	return (int64_t)(uv_hrtime() / 1000000);
}

static void went_wrong(struct load_contact *contact, const char *what, int status, uint32_t code) {
	struct load *load = contact->load;
	if (!load->wrong)
		load->wrong = rig_text("contact %u, step %d: %s, status %d, code %u", contact->index, contact->step,
		                       what, status, code);
}

struct load *load_new(struct rig *rig, uint32_t width) {
	struct load *load = calloc(1, sizeof(*load));
	assert_non_null(load);
	load->rig = rig;
	load->width = width;
	return load;
}

void load_free(struct load *load) {
	if (load)
		free(load->wrong);
	free(load);
}

char *load_key(const struct load_contact *contact, enum load_step step) {
	return rig_text("K-%u-%d", contact->index, (int)step);
}

uint32_t load_quantity(const struct load_contact *contact) {
	return 1 + contact->index % 7;
}

static const char *const skus[LOAD_SKUS] = {"AO-1", "AO-2", "GIAY-3"};

struct cl_str load_sku(const struct load_contact *contact) {
	return cl_str_from(skus[contact->index % LOAD_SKUS]);
}

/* -- answers -- */

static void accepted(struct load_contact *contact, const struct wire_reply *reply) {
	struct load *load = contact->load;
	load->acknowledged++;
	if (contact->step == LOAD_REGISTER) {
		if (reply->number.n == 0 || reply->number.n >= sizeof(contact->number)) {
			went_wrong(contact, "no number", reply->status, reply->code);
			return;
		}
		memcpy(contact->number, reply->number.p, reply->number.n);
		contact->slip = cl_slip_id(reply->number);
	}
	if (contact->step == LOAD_RECEIVE)
		load->received[contact->index % LOAD_SKUS] += load_quantity(contact);
	contact->step++;
	load->done += contact->step == LOAD_DONE;
}

static void on_reply(void *context, int status, const struct wire_reply *reply) {
	struct load_contact *contact = context;
	contact->under_way = false;
	if (status == CL_E_CLOSED)
		return;
	if (status != CL_OK)
		went_wrong(contact, "not answered", status, 0);
	else if (reply->status != WIRE_ACCEPTED)
		went_wrong(contact, "refused", (int)reply->status, reply->code);
	else
		accepted(contact, reply);
}

/* The case is opened by the slip, which comes by way of intake's and routing's logs. */
static void on_state(void *context, int status, const struct wire_state *state) {
	struct load_contact *contact = context;
	contact->under_way = false;
	if (status == CL_E_CLOSED)
		return;
	if (status != CL_OK)
		went_wrong(contact, "not answered", status, 0);
	else if (state->status == WIRE_ACCEPTED && state->version > 0)
		contact->step++;
	else
		contact->look_ms = now_ms() + LOOK_AGAIN_MS;
}

/* -- what is sent -- */

static int send_command(struct load_contact *contact, uint8_t kind, struct cl_id target, uint16_t type,
                        const void *body) {
	struct cl_client *client = contact->load->rig->client;
	struct cl_id *id = &contact->commands[contact->step];
	if (cl_id_zero(*id))
		*id = cl_client_new_id(client);
	struct cl_command_options options = {.id = *id, .who = CL_STR("K"), .timeout_ms = CALL_LIMIT_MS};
	return cl_client_command(client, kind, target, 0, type, body, &options, on_reply, contact);
}

static int send_register(struct load_contact *contact, struct cl_str text) {
	struct contact_register body = {.channel = CHANNEL_PHONE, .name = CL_STR("Trần Thị Bưởi"), .text = text};
	char phone[16];
	/* Every third is one who called before. */
	snprintf(phone, sizeof(phone), "09%08u", contact->index % 3 ? contact->index : contact->index / 6);
	body.phone = cl_str_from(phone);
	if (cl_id_zero(contact->request))
		contact->request = cl_client_new_id(contact->load->rig->client);
	return send_command(contact, CL_KIND_REQUEST, contact->request, CL_T_contact_register, &body);
}

static int send_look(struct load_contact *contact) {
	struct wire_get get = {.kind = CL_KIND_CASE, .target = contact->slip};
	return cl_client_get(contact->load->rig->client, &get, 0, CALL_LIMIT_MS, on_state, contact);
}

static int send_step(struct load_contact *contact, struct cl_str text) {
	struct cl_id slip = contact->slip;
	switch (contact->step) {
	case LOAD_REGISTER:
		return send_register(contact, text);
	case LOAD_RECEIVE: {
		struct stock_receive body = {load_sku(contact), load_quantity(contact), text};
		return send_command(contact, CL_KIND_STOCK, order_stock_id(body.sku), CL_T_stock_receive, &body);
	}
	case LOAD_OPENING:
		return send_look(contact);
	case LOAD_NOTE:
	case LOAD_NOTE_AGAIN: {
		struct case_note body = {text};
		return send_command(contact, CL_KIND_CASE, slip, CL_T_case_note, &body);
	}
	case LOAD_WORK: {
		struct case_work body = {text};
		return send_command(contact, CL_KIND_CASE, slip, CL_T_case_work, &body);
	}
	case LOAD_PROPOSE: {
		struct case_propose body = {.text = text};
		return send_command(contact, CL_KIND_CASE, slip, CL_T_case_propose, &body);
	}
	case LOAD_AGREE: {
		struct case_agree body = {.text = text};
		return send_command(contact, CL_KIND_CASE, slip, CL_T_case_agree, &body);
	}
	case LOAD_CLOSE: {
		struct case_close body = {.result = text};
		return send_command(contact, CL_KIND_CASE, slip, CL_T_case_close, &body);
	}
	case LOAD_DONE:
		break;
	}
	return CL_OK;
}

static void push_one(struct load_contact *contact) {
	if (contact->under_way || contact->step == LOAD_DONE || now_ms() < contact->look_ms)
		return;
	char *key = load_key(contact, contact->step);
	int r = send_step(contact, cl_str_from(key));
	if (r == CL_OK)
		contact->under_way = true;
	else if (r != CL_E_AGAIN)
		went_wrong(contact, "not sent", r, 0);
	free(key);
}

void load_push(struct load *load) {
	while (!load->stop && load->started < LOAD_CONTACTS_MAX && load->started - load->done < load->width) {
		load->contacts[load->started].load = load;
		load->contacts[load->started].index = load->started;
		load->started++;
	}
	for (uint32_t i = 0; i < load->started; i++)
		push_one(&load->contacts[i]);
}

static bool all_done(void *context) {
	struct load *load = context;
	load_push(load);
	return load->wrong || load->done == load->started;
}

void load_finish(struct load *load, uint32_t limit_s) {
	load->stop = true;
	rig_until(load->rig, all_done, load, limit_s, "every command is answered");
	if (load->wrong)
		fail_msg("%s", load->wrong);
}
