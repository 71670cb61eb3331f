/* Intake's events and commands as enums of their own, cut out of the schema rows, so that the compiler finds a
 * switch that lacks one. */
#ifndef INTAKE_EVENTS_H
#define INTAKE_EVENTS_H

#include "schema.h"

#define INTAKE_EVENT_ROW_EVENT(name, type_id) INTAKE_E_##name = (type_id),
#define INTAKE_EVENT_ROW_COMMAND(name, type_id)
#define INTAKE_EVENT_ROW_STATE(name, type_id)
#define INTAKE_EVENT_ROW(name, type_id, role, version, meaning) INTAKE_EVENT_ROW_##role(name, type_id)
enum intake_event { CL_MESSAGES_intake(INTAKE_EVENT_ROW) };

#define INTAKE_COMMAND_ROW_EVENT(name, type_id)
#define INTAKE_COMMAND_ROW_COMMAND(name, type_id) INTAKE_C_##name = (type_id),
#define INTAKE_COMMAND_ROW_STATE(name, type_id)
#define INTAKE_COMMAND_ROW(name, type_id, role, version, meaning) INTAKE_COMMAND_ROW_##role(name, type_id)
enum intake_command { CL_MESSAGES_intake(INTAKE_COMMAND_ROW) };

#endif
