#include "office.h"

#include <stdio.h>

#include "actor/slip.h"

static struct cl_str number_of(uint32_t n, char out[20]) {
	int length = snprintf(out, 20, "PTN-2026-%06u", n % 1000000);
	return (struct cl_str){out, (uint32_t)length};
}

struct cl_id office_slip_id(uint32_t n) {
	char number[20];
	return cl_slip_id(number_of(n, number));
}

struct cl_id office_slip(struct world *world, uint32_t n, enum category category, enum level priority, bool imported) {
	char number[20];
	struct slip_created slip = {.number = number_of(n, number),
	                            .slip_id = office_slip_id(n),
	                            .serial = n + 1,
	                            .request_id = {{1}},
	                            .customer_id = {{2}},
	                            .title = CL_STR("Máy in không nhận giấy"),
	                            .description = CL_STR("Báo lỗi từ sáng nay."),
	                            .product = CL_STR("Máy in LX-300"),
	                            .channel = CHANNEL_PHONE,
	                            .category = category,
	                            .priority = priority,
	                            .urgency = priority,
	                            .received_by = CL_STR("thao.vu"),
	                            .received_at = world->now_ms,
	                            .imported = imported};
	world_outside(world, OFFICE_INTAKE, CL_T_slip_created, CL_KIND_REQUEST, slip.request_id, world->now_ms, &slip);
	return slip.slip_id;
}

uint32_t office_person(struct world *world, const char *staff_id, const char *department, const char *skill,
                       uint32_t capacity, bool absent) {
	struct cl_str skills[] = {cl_str_from(skill)};
	struct person_define body = {.staff_id = cl_str_from(staff_id),
	                             .name = CL_STR("Trần Quốc Minh"),
	                             .department = cl_str_from(department),
	                             .skills = {skills, skill ? 1 : 0},
	                             .capacity = capacity,
	                             .absent = absent};
	return world_command(world, CL_KIND_PERSON, routing_person_id(body.staff_id), 0, CL_T_person_define, &body);
}

uint32_t office_department(struct world *world, const char *code, const char *supervisor) {
	struct department_define body = {
	        .code = cl_str_from(code), .name = CL_STR("Kỹ thuật"), .supervisor = cl_str_from(supervisor)};
	return world_command(world, CL_KIND_DEPARTMENT, routing_department_id(body.code), 0, CL_T_department_define,
	                     &body);
}

uint32_t office_assign(struct world *world, struct cl_id slip_id, const char *department, const char *person) {
	struct work_assign body = {.department = cl_str_from(department),
	                           .person = cl_str_from(person),
	                           .reason = CL_STR("Đúng chuyên môn")};
	return world_command(world, CL_KIND_WORK_ITEM, slip_id, 0, CL_T_work_assign, &body);
}

uint32_t office_acknowledge(struct world *world, struct cl_id slip_id) {
	struct work_acknowledge body = {.note = CL_STR("Đã nhận")};
	return world_command(world, CL_KIND_WORK_ITEM, slip_id, 0, CL_T_work_acknowledge, &body);
}

void office_configure(struct world *world) {
	struct routing_rule rules[] = {
	        {.category = CATEGORY_TECHNICAL,
	         .product = CL_STR("may in lx-300"),
	         .department = CL_STR("kt"),
	         .skill = CL_STR("mang")},
	        {.category = CATEGORY_TECHNICAL, .department = CL_STR("kt")},
	        {.category = CATEGORY_ORDER, .department = CL_STR("bh")},
	};
	struct due_policy due[] = {{.priority = LEVEL_HIGH, .due_min = 60, .warn_min = 10, .acknowledge_min = 5}};
	struct routing_configure body = {.rules = {rules, 3}, .due = {due, 1}};
	for (uint32_t i = 0; i < world->partitions; i++)
		(void)world_command(world, CL_KIND_ROUTING_REGISTRY, (struct cl_id){{0}}, i, CL_T_routing_configure,
		                    &body);
}

void office_closed(struct world *world, struct cl_id slip_id, int64_t occurred_ms) {
	struct case_closed body = {.outcome = OUTCOME_AGREED, .number = CL_STR("PTN-2026-000001")};
	world_outside(world, OFFICE_SUPPORT, CL_T_case_closed, CL_KIND_CASE, slip_id, occurred_ms, &body);
}

void office_reopened(struct world *world, struct cl_id slip_id, int64_t occurred_ms) {
	struct case_reopened body = {.text = CL_STR("Vẫn lỗi"), .number = CL_STR("PTN-2026-000001")};
	world_outside(world, OFFICE_SUPPORT, CL_T_case_reopened, CL_KIND_CASE, slip_id, occurred_ms, &body);
}

void office_worked(struct world *world, struct cl_id slip_id) {
	struct case_worked body = {.text = CL_STR("Đang kiểm tra"), .person = CL_STR("son.dang")};
	world_outside(world, OFFICE_SUPPORT, CL_T_case_worked, CL_KIND_CASE, slip_id, world->now_ms, &body);
}

void office_asked(struct world *world, struct cl_id slip_id, const char *department, const char *person, bool ask) {
	struct case_assigned body = {.person = cl_str_from(person), .department = cl_str_from(department), .ask = ask};
	world_outside(world, OFFICE_SUPPORT, CL_T_case_assigned, CL_KIND_CASE, slip_id, world->now_ms, &body);
}

const struct work_item_state *office_item(struct world *world, struct cl_id slip_id) {
	return world_state(world, CL_KIND_WORK_ITEM, slip_id);
}

const struct department_state *office_queue(struct world *world, const char *code) {
	return world_state(world, CL_KIND_DEPARTMENT, routing_department_id(cl_str_from(code)));
}

const struct queue_member *office_member(struct world *world, const char *code, const char *staff_id) {
	const struct department_state *queue = office_queue(world, code);
	for (uint32_t i = 0; queue && i < queue->members.n; i++)
		if (cl_str_eqc(queue->members.v[i].staff_id, staff_id))
			return &queue->members.v[i];
	return NULL;
}
