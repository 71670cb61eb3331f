#include "base/assert.h"
#include "routing.h"

static const struct department_define departments[] = {
        {CL_STR("cskh"), CL_STR("Chăm sóc khách hàng"), CL_STR("lan.nguyen")},
        {CL_STR("kt"), CL_STR("Kỹ thuật"), CL_STR("minh.tran")},
        {CL_STR("bh"), CL_STR("Bán hàng"), CL_STR("huong.le")},
        {CL_STR("kn"), CL_STR("Giải quyết khiếu nại"), CL_STR("quang.pham")},
};

static const struct {
	const char *staff_id, *name, *position, *department;
	uint32_t capacity;
} people[] = {
        {"lan.nguyen", "Nguyễn Thị Lan", "Trưởng bộ phận Chăm sóc khách hàng", "cskh", 20},
        {"thao.vu", "Vũ Phương Thảo", "Chuyên viên chăm sóc khách hàng", "cskh", 30},
        {"dung.hoang", "Hoàng Tiến Dũng", "Chuyên viên chăm sóc khách hàng", "cskh", 30},
        {"minh.tran", "Trần Quốc Minh", "Trưởng bộ phận Kỹ thuật", "kt", 10},
        {"son.dang", "Đặng Thái Sơn", "Kỹ thuật viên", "kt", 20},
        {"ngoc.bui", "Bùi Bảo Ngọc", "Kỹ thuật viên", "kt", 20},
        {"huong.le", "Lê Thu Hương", "Trưởng bộ phận Bán hàng", "bh", 20},
        {"tuan.do", "Đỗ Anh Tuấn", "Nhân viên bán hàng", "bh", 30},
        {"quang.pham", "Phạm Vinh Quang", "Trưởng bộ phận Giải quyết khiếu nại", "kn", 10},
        {"mai.ly", "Lý Tuyết Mai", "Chuyên viên giải quyết khiếu nại", "kn", 15},
};

static const struct routing_rule rules[] = {
        {.category = CATEGORY_TECHNICAL, .department = CL_STR("kt")},
        {.category = CATEGORY_PRODUCT, .department = CL_STR("bh")},
        {.category = CATEGORY_ORDER, .department = CL_STR("bh")},
        {.category = CATEGORY_COMPLAINT, .department = CL_STR("kn")},
        {.category = CATEGORY_QUESTION, .department = CL_STR("cskh")},
        {.category = CATEGORY_FEEDBACK, .department = CL_STR("cskh")},
};

static const struct due_policy due[] = {
        {.priority = LEVEL_HIGH, .due_min = 240, .warn_min = 60, .acknowledge_min = 30},
        {.priority = LEVEL_MEDIUM, .due_min = 1440, .warn_min = 240, .acknowledge_min = 120},
        {.priority = LEVEL_LOW, .due_min = 4320, .warn_min = 480, .acknowledge_min = 480},
};

#define N_OF(array) ((uint32_t)(sizeof(array) / sizeof(*(array))))

static const struct routing_configure *configuration(struct cl_arena *arena) {
	struct routing_configure *body = cl_arena_new(arena, struct routing_configure);
	body->rules.n = N_OF(rules);
	body->rules.v = cl_arena_array(arena, struct routing_rule, N_OF(rules));
	memcpy(body->rules.v, rules, sizeof(rules));
	body->due.n = N_OF(due);
	body->due.v = cl_arena_array(arena, struct due_policy, N_OF(due));
	memcpy(body->due.v, due, sizeof(due));
	return body;
}

struct routing_commands routing_defaults(struct cl_arena *arena) {
	uint32_t n = 1 + N_OF(departments) + N_OF(people), at = 0;
	struct routing_command *v = cl_arena_array(arena, struct routing_command, n);
	v[at++] = (struct routing_command){
	        CL_KIND_ROUTING_REGISTRY, {{0}}, true, CL_T_routing_configure, configuration(arena)};
	for (uint32_t i = 0; i < N_OF(departments); i++)
		v[at++] = (struct routing_command){CL_KIND_DEPARTMENT, routing_department_id(departments[i].code),
		                                   false, CL_T_department_define, &departments[i]};
	for (uint32_t i = 0; i < N_OF(people); i++) {
		struct person_define *body = cl_arena_new(arena, struct person_define);
		body->staff_id = cl_str_from(people[i].staff_id);
		body->name = cl_str_from(people[i].name);
		body->position = cl_str_from(people[i].position);
		body->department = cl_str_from(people[i].department);
		body->capacity = people[i].capacity;
		v[at++] = (struct routing_command){CL_KIND_PERSON, routing_person_id(body->staff_id), false,
		                                   CL_T_person_define, body};
	}
	CL_ASSERT(at == n);
	return (struct routing_commands){v, n};
}
