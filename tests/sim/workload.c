#include "workload.h"

#include <stdio.h>
#include <stdlib.h>

#include "actor/slip.h"
#include "base/assert.h"

#define RESEND_MS 500

static uint32_t below(struct workload *work, uint32_t n) {
	return (uint32_t)(sim_random(work->sim) % n);
}

static struct cl_str pick(struct workload *work, const char *const *list, uint32_t n) {
	return cl_str_from(list[below(work, n)]);
}

static void send(struct workload *work, struct work_command *command) {
	struct wire_command message = {
	        .id = command->id,
	        .reply_to = CL_STR("sim://client"),
	        .type = command->type,
	        .kind = command->kind,
	        .target = command->target,
	        .who = CL_STR("agent-1"),
	        .body = {command->body, command->body_n},
	};
	command->sent_ms = work->sim->now_ms;
	sim_send_to(work->sim, command->service, command->partition, CL_T_wire_command, &message);
}

static void issue_to(struct workload *work, uint32_t partition, uint8_t kind, struct cl_id target, uint16_t type,
                     const void *body) {
	struct cl_buf buf;
	uint8_t random[10];
	if (!sim_node_of(work->sim, cl_kind_service(kind), partition))
		return; /* its service is not part of this world */
	if (work->n == work->cap) {
		work->cap = work->cap ? 2 * work->cap : 256;
		work->commands = realloc(work->commands, work->cap * sizeof(*work->commands));
		CL_ASSERT(work->commands);
	}
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)sim_random(work->sim);
	cl_buf_init(&buf);
	cl_encode(cl_schema_by_type(type), body, &buf);
	struct work_command *command = &work->commands[work->n++];
	*command = (struct work_command){.service = cl_kind_service(kind),
	                                 .partition = partition,
	                                 .kind = kind,
	                                 .target = target,
	                                 .id = cl_id_v7(work->sim->now_ms, random),
	                                 .type = type,
	                                 .body = buf.p,
	                                 .body_n = (uint32_t)buf.n};
	send(work, command);
}

static void issue(struct workload *work, uint8_t kind, struct cl_id target, uint16_t type, const void *body) {
	issue_to(work, (uint32_t)(cl_id_hash(target) % work->sim->partitions), kind, target, type, body);
}

#define ISSUE(work, kind, target, name, ...)                                                                           \
	do {                                                                                                           \
		struct name body_ = {__VA_ARGS__};                                                                     \
		issue((work), (kind), (target), CL_T_##name, &body_);                                                  \
	} while (0)

/* -- at the start: what an administrator sets up -- */

static void set_up(struct workload *work) {
	static const struct cl_id registry;
	struct routing_rule rules[] = {{.category = CATEGORY_ORDER, .department = CL_STR("bh")},
	                               {.category = CATEGORY_TECHNICAL, .department = CL_STR("kt")},
	                               {.department = CL_STR("cskh")}};
	struct due_policy due[] = {{.priority = LEVEL_HIGH, .due_min = 1, .acknowledge_min = 1},
	                           {.priority = LEVEL_MEDIUM, .due_min = 3, .warn_min = 1},
	                           {.priority = LEVEL_LOW, .due_min = 6}};
	struct routing_configure configure = {0};
	configure.rules.v = rules;
	configure.rules.n = 3;
	configure.due.v = due;
	configure.due.n = 3;
	struct priority_row row = {.priority = LEVEL_MEDIUM};
	struct priority_row high = {.category = CATEGORY_COMPLAINT, .priority = LEVEL_HIGH};
	struct priority_row table[] = {high, row};
	struct intake_configure intake = {0};
	intake.priorities.v = table;
	intake.priorities.n = 2;
	struct support_configure support = {.answer_min = 2, .remind_min = 1};
	for (uint32_t i = 0; i < work->sim->partitions; i++) {
		issue_to(work, i, CL_KIND_ROUTING_REGISTRY, registry, CL_T_routing_configure, &configure);
		issue_to(work, i, CL_KIND_INTAKE_REGISTRY, registry, CL_T_intake_configure, &intake);
		issue_to(work, i, CL_KIND_SUPPORT_REGISTRY, registry, CL_T_support_configure, &support);
	}
	static const char *const codes[] = {"cskh", "kt", "bh"};
	for (int i = 0; i < 3; i++) {
		struct cl_str code = cl_str_from(codes[i]);
		ISSUE(work, CL_KIND_DEPARTMENT, cl_id_derive("department", code.p, code.n), department_define,
		      .code = code, .name = code, .supervisor = CL_STR("boss"));
		for (int j = 0; j < 2; j++) {
			char text[32];
			int n = snprintf(text, sizeof(text), "%s-%d", codes[i], j);
			struct cl_str staff = {text, (uint32_t)n};
			ISSUE(work, CL_KIND_PERSON, cl_id_derive("person", staff.p, staff.n), person_define,
			      .staff_id = staff, .name = staff, .department = code, .capacity = 3);
		}
	}
	static const char *const skus[] = {"A1", "B2", "C3"};
	for (int i = 0; i < 3; i++) {
		struct cl_str sku = cl_str_from(skus[i]);
		ISSUE(work, CL_KIND_STOCK, cl_id_derive("sku", sku.p, sku.n), stock_receive, .sku = sku,
		      .quantity = 10);
	}
}

/* -- contacts -- */

static void register_contact(struct workload *work) {
	static const char *const names[] = {"Nguyễn Văn An", "Trần Thị Bình", "Lê Hoàng", ""};
	static const char *const phones[] = {"0912345678", "+84 912 345 678", "0987654321", "0243 825 1234", ""};
	static const char *const emails[] = {"an@example.vn", "binh@example.vn", "", ""};
	static const char *const texts[] = {"Máy giặt không lên nguồn", "Tôi muốn đặt mua 2 cái quạt",
	                                    "Thái độ nhân viên kém", "Hỏi giá"};
	uint8_t random[10];
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)sim_random(work->sim);
	struct cl_id id = cl_id_v7(work->sim->now_ms, random);
	struct contact_register body = {
	        .channel = (enum channel)(1 + below(work, 7)),
	        .name = pick(work, names, 4),
	        .phone = pick(work, phones, 5),
	        .email = pick(work, emails, 4),
	        .subject = CL_STR("Yêu cầu"),
	        .text = pick(work, texts, 4),
	        .category = (enum category)below(work, 7),
	};
	issue(work, CL_KIND_REQUEST, id, CL_T_contact_register, &body);
	if (sim_chance(work->sim, 100)) /* the same contact once more, under another command */
		issue(work, CL_KIND_REQUEST, id, CL_T_contact_register, &body);
}

/* -- cases and orders -- */

static void touch_case(struct workload *work, struct cl_id slip) {
	struct cl_str text = CL_STR("đã gọi lại cho khách");
	switch (below(work, 10)) {
	case 0:
		ISSUE(work, CL_KIND_CASE, slip, case_note, .text = text);
		break;
	case 1:
	case 2:
		ISSUE(work, CL_KIND_CASE, slip, case_work, .text = text);
		break;
	case 3:
	case 4:
		ISSUE(work, CL_KIND_CASE, slip, case_propose, .text = text);
		break;
	case 5:
		ISSUE(work, CL_KIND_CASE, slip, case_agree, .text = text);
		break;
	case 6:
		ISSUE(work, CL_KIND_CASE, slip, case_disagree, .text = text);
		break;
	case 7:
		ISSUE(work, CL_KIND_CASE, slip, case_close, .outcome = (enum close_outcome)below(work, 6),
		      .result = text);
		break;
	case 8:
		ISSUE(work, CL_KIND_CASE, slip, case_reopen, .text = text);
		break;
	case 9:
		ISSUE(work, CL_KIND_CASE, slip, case_assign, .department = CL_STR("kt"), .text = text);
		break;
	}
}

static void touch_order(struct workload *work, struct cl_id slip) {
	static const char *const skus[] = {"A1", "B2", "C3"};
	struct order_line lines[2] = {
	        {.sku = pick(work, skus, 3), .quantity = 1 + below(work, 4), .unit_price_vnd = 1000}};
	lines[1] = (struct order_line){.sku = CL_STR("C3"), .quantity = 1};
	struct order_set_lines set = {.address = CL_STR("Hà Nội")};
	set.lines.v = lines;
	set.lines.n = 1 + below(work, 2);
	switch (below(work, 7)) {
	case 0:
	case 1:
		issue(work, CL_KIND_ORDER, slip, CL_T_order_set_lines, &set);
		break;
	case 2:
	case 3:
		ISSUE(work, CL_KIND_ORDER, slip, order_place, .note = {0});
		break;
	case 4:
		ISSUE(work, CL_KIND_ORDER, slip, order_pack, .note = {0});
		break;
	case 5:
		ISSUE(work, CL_KIND_ORDER, slip, order_ship, .carrier = CL_STR("GHN"));
		ISSUE(work, CL_KIND_ORDER, slip, order_deliver, .note = {0});
		break;
	case 6:
		ISSUE(work, CL_KIND_ORDER, slip, order_cancel, .reason = CL_STR("khách đổi ý"));
		break;
	}
}

static void act(struct workload *work) {
	uint32_t total = 0, at;
	for (int i = 0; i < 3; i++)
		total += work->weights[i];
	at = below(work, total);
	if (!work->slip_n || at < work->weights[0]) {
		register_contact(work);
		return;
	}
	struct cl_id slip = work->slips[below(work, work->slip_n)];
	if (at < work->weights[0] + work->weights[1])
		touch_case(work, slip);
	else
		touch_order(work, slip);
}

void workload_beat(void *context) {
	struct workload *work = context;
	if (!work->n)
		set_up(work);
	for (int i = 0; i < 4 && work->n < work->limit && sim_chance(work->sim, 700); i++)
		act(work);
	for (uint32_t i = 0; i < work->n; i++)
		if (!work->commands[i].answered && work->sim->now_ms - work->commands[i].sent_ms >= RESEND_MS)
			send(work, &work->commands[i]);
}

static void remember_slip(struct workload *work, struct cl_str number) {
	if (work->slip_n == work->slip_cap) {
		work->slip_cap = work->slip_cap ? 2 * work->slip_cap : 64;
		work->slips = realloc(work->slips, work->slip_cap * sizeof(*work->slips));
		CL_ASSERT(work->slips);
	}
	work->slips[work->slip_n++] = cl_slip_id(number);
}

void workload_message(void *context, uint16_t type, const void *body) {
	struct workload *work = context;
	const struct wire_reply *reply = body;
	if (type != CL_T_wire_reply)
		return;
	for (uint32_t i = work->n; i-- > 0;) {
		struct work_command *command = &work->commands[i];
		if (!cl_id_eq(command->id, reply->id))
			continue;
		if (reply->status == WIRE_BUSY)
			return; /* sent again by the next beat */
		if (command->answered) {
			work->changed_answer |=
			        command->reply.status != reply->status || command->reply.seq != reply->seq;
			return;
		}
		command->answered = true;
		command->reply = *reply;
		work->answered++;
		work->accepted += reply->status == WIRE_ACCEPTED;
		work->rejected += reply->status == WIRE_REJECTED;
		work->invalid += reply->status != WIRE_ACCEPTED && reply->status != WIRE_REJECTED;
		if (command->type == CL_T_contact_register && reply->status == WIRE_ACCEPTED)
			remember_slip(work, reply->number);
		return;
	}
}

void workload_init(struct workload *work, struct sim *sim, uint32_t commands) {
	*work = (struct workload){.sim = sim, .limit = commands};
	for (int i = 0; i < 3; i++)
		work->weights[i] = 1 + below(work, 10);
	sim->on_client = workload_message;
	sim->on_beat = workload_beat;
	sim->context = work;
}

void workload_done(struct workload *work) {
	for (uint32_t i = 0; i < work->n; i++)
		free(work->commands[i].body);
	free(work->commands);
	free(work->slips);
}
