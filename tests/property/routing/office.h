/* What tests of routing say often: slips come in, people and departments are defined, cases go on. */
#ifndef TESTS_OFFICE_H
#define TESTS_OFFICE_H

#include "routing/routing.h"
#include "world.h"

enum { OFFICE_INTAKE, OFFICE_SUPPORT }; /* logs outside */

/* A slip with number PTN-2026-NNNNNN arrives; its id is returned. */
struct cl_id office_slip(struct world *world, uint32_t n, enum category category, enum level priority, bool imported);
struct cl_id office_slip_id(uint32_t n);

uint32_t office_person(struct world *world, const char *staff_id, const char *department, const char *skill,
                       uint32_t capacity, bool absent);
uint32_t office_department(struct world *world, const char *code, const char *supervisor);
uint32_t office_assign(struct world *world, struct cl_id slip_id, const char *department, const char *person);
uint32_t office_acknowledge(struct world *world, struct cl_id slip_id);
/* Rules: technical → kt (skill "mang"), order → bh; due times high 60/10/5 minutes. To every partition. */
void office_configure(struct world *world);

void office_closed(struct world *world, struct cl_id slip_id, int64_t occurred_ms);
void office_reopened(struct world *world, struct cl_id slip_id, int64_t occurred_ms);
void office_worked(struct world *world, struct cl_id slip_id);
void office_asked(struct world *world, struct cl_id slip_id, const char *department, const char *person, bool ask);

const struct work_item_state *office_item(struct world *world, struct cl_id slip_id);
const struct department_state *office_queue(struct world *world, const char *code);
const struct queue_member *office_member(struct world *world, const char *code, const char *staff_id);

#endif
