/* careloop order, stock, department, person, customer, configure: what the service works with. */
#include <inttypes.h>
#include <stdlib.h>

#include "actor/domain.h"
#include "commands.h"
#include "intake/email.h"
#include "intake/identity.h"
#include "intake/intake.h"
#include "intake/phone.h"
#include "order/order.h"
#include "routing/routing.h"
#include "support.h"

/* An actor's state by itself, as labelled lines or JSON. */
static int show(struct cli *cli, uint8_t kind, struct cl_id id, const char *subject, struct cli_actor *ret_actor) {
	struct cli_view view = {0};
	if (!cli_opt_time(cli, "as-of", 0, &view.as_of) || !cli_opt_time(cli, "known-at", 0, &view.known_at))
		return CLI_USAGE;
	int result = cli_connect(cli);
	if (result == CLI_OK)
		result = cli_get(cli, kind, id, &view, subject, ret_actor);
	if (result != CLI_OK)
		return result;
	if (cli->json) {
		struct cl_buf out;
		cl_buf_init(&out);
		cl_json_write(ret_actor->schema, ret_actor->state, 0, &out);
		cl_buf_putc(&out, '\n');
		fwrite(out.p, 1, out.n, stdout);
		cl_buf_done(&out);
	} else {
		cli_print_value(cli, ret_actor->schema, ret_actor->state, stdout);
	}
	return CLI_OK;
}

static int send_to(struct cli *cli, uint8_t kind, struct cl_id id, const struct cl_schema *schema, const void *body,
                   const char *subject) {
	int result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	struct cli_outcome outcome = cli_send(cli, kind, id, 0, schema->type, body);
	return cli_tell_outcome(cli, &outcome, subject);
}

/* -- orders and stock -- */
/* "SKU:QUANTITY[:PRICE[:NAME]]" */
static bool parse_line(struct cli *cli, const char *text, struct order_line *ret_line) {
	struct cl_str part[4] = {{0}};
	uint32_t n = 0;
	const char *p = text;
	for (; n < 4; n++) {
		size_t length = n < 3 ? strcspn(p, ":") : strlen(p);
		part[n] = (struct cl_str){p, (uint32_t)length};
		p += length;
		if (!*p++) {
			n++;
			break;
		}
	}
	uint64_t quantity = 0, price = 0;
	if (n < 2 || cl_str_u64(part[1], &quantity) != CL_OK || quantity > UINT32_MAX ||
	    (part[2].n && cl_str_u64(part[2], &price) != CL_OK)) {
		cli_error(cli, CL_TEXT_CLI_BAD_LINE, CLI_ARGS(text));
		return false;
	}
	*ret_line = (struct order_line){
	        .sku = part[0], .quantity = (uint32_t)quantity, .unit_price_vnd = price, .name = part[3]};
	return true;
}

int cli_cmd_order_set_lines(struct cli *cli) {
	struct order_set_lines body = {0};
	const char *number;
	struct cl_id id;
	int result = cli_slip(cli, cli->args[0], &number, &id);
	if (result != CLI_OK)
		return result;
	body.lines.v = cl_arena_array(cli->arena, struct order_line, cli->given_n);
	for (uint32_t i = 0; i < cli->given_n; i++)
		if (strcmp(cli->given[i].option->name, "line") == 0 &&
		    !parse_line(cli, cli->given[i].value, &body.lines.v[body.lines.n++]))
			return CLI_USAGE;
	result = cli_fill(cli, &cl_schema_order_set_lines, &body);
	return result == CLI_OK ? send_to(cli, CL_KIND_ORDER, id, &cl_schema_order_set_lines, &body, number) : result;
}

int cli_cmd_order_show(struct cli *cli) {
	struct cli_actor actor;
	struct cli_table table;
	const char *number;
	struct cl_id id;
	int result = cli_slip(cli, cli->args[0], &number, &id);
	if (result == CLI_OK)
		result = show(cli, CL_KIND_ORDER, id, number, &actor);
	if (result != CLI_OK || cli->json)
		return result;
	const struct order_state *order = actor.state;
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_SKU, false);
	cli_table_column(&table, CL_TEXT_CLI_H_NAME, false);
	cli_table_column(&table, CL_TEXT_CLI_H_QUANTITY, true);
	cli_table_column(&table, CL_TEXT_CLI_H_PRICE, true);
	for (uint32_t i = 0; i < order->lines.n; i++) {
		const struct order_line *line = &order->lines.v[i];
		cli_table_row(&table, CLI_ARGS(cli_safe(cli, line->sku), cli_safe(cli, line->name),
		                               cli_num(cli, line->quantity), cli_num(cli, line->unit_price_vnd)));
	}
	if (order->lines.n) {
		putchar('\n');
		cli_table_print(&table, stdout);
	}
	return CLI_OK;
}

int cli_cmd_stock_receive(struct cli *cli) {
	struct stock_receive body = {.sku = cl_str_from(cli->args[0])};
	int result = cli_set_field(cli, &cl_schema_stock_receive, &body, "quantity", "QUANTITY", cli->args[1]);
	if (result == CLI_OK)
		result = cli_fill(cli, &cl_schema_stock_receive, &body);
	return result == CLI_OK ? send_to(cli, CL_KIND_STOCK, order_stock_id(body.sku), &cl_schema_stock_receive, &body,
	                                  cli->args[0])
	                        : result;
}

int cli_cmd_stock_show(struct cli *cli) {
	struct cli_actor actor;
	return show(cli, CL_KIND_STOCK, order_stock_id(cl_str_from(cli->args[0])), cli->args[0], &actor);
}

/* -- departments and people -- */
int cli_cmd_department_add(struct cli *cli) {
	struct department_define body = {.code = cl_str_from(cli->args[0])};
	int result = cli_fill(cli, &cl_schema_department_define, &body);
	if (result != CLI_OK)
		return result;
	return send_to(cli, CL_KIND_DEPARTMENT, routing_department_id(body.code), &cl_schema_department_define, &body,
	               cli->args[0]);
}

int cli_cmd_department_show(struct cli *cli) {
	struct cli_actor actor;
	struct cli_table table;
	int result =
	        show(cli, CL_KIND_DEPARTMENT, routing_department_id(cl_str_from(cli->args[0])), cli->args[0], &actor);
	if (result != CLI_OK || cli->json)
		return result;
	const struct department_state *department = actor.state;
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_PERSON, false);
	cli_table_column(&table, CL_TEXT_CLI_H_LOAD, true);
	cli_table_column(&table, CL_TEXT_CLI_H_CAPACITY, true);
	for (uint32_t i = 0; i < department->members.n; i++) {
		const struct queue_member *member = &department->members.v[i];
		cli_table_row(&table, CLI_ARGS(cli_safe(cli, member->staff_id), cli_num(cli, member->load),
		                               member->capacity ? cli_num(cli, member->capacity) : "-"));
	}
	printf("\n");
	cli_table_print(&table, stdout);
	cli_say(cli, CL_TEXT_CLI_QUEUE, CLI_ARGS(cli_num(cli, department->waiting.n)));
	return CLI_OK;
}

int cli_cmd_person_add(struct cli *cli) {
	struct person_define body = {.staff_id = cl_str_from(cli->args[0])};
	int result = cli_fill(cli, &cl_schema_person_define, &body);
	if (result != CLI_OK)
		return result;
	return send_to(cli, CL_KIND_PERSON, routing_person_id(body.staff_id), &cl_schema_person_define, &body,
	               cli->args[0]);
}

int cli_cmd_person_show(struct cli *cli) {
	struct cli_actor actor;
	return show(cli, CL_KIND_PERSON, routing_person_id(cl_str_from(cli->args[0])), cli->args[0], &actor);
}

/* -- customers -- */
/* An id, or a phone number or email address that somebody holds. */
static int find_customer(struct cli *cli, const char *text, struct cl_id *ret_id) {
	char phone[INTAKE_PHONE_BYTES];
	struct cl_str email;
	struct cl_keys keys;
	struct cli_actor actor;
	struct cli_view view = {0};
	char *error = NULL;
	if (cl_id_parse(cl_str_from(text), ret_id) == CL_OK)
		return CLI_OK;
	bool is_phone = intake_phone_normalise(cl_str_from(text), phone);
	bool is_email = !is_phone && intake_email_normalise(cl_str_from(text), cli->arena, &email);
	if (!is_phone && !is_email) {
		cli_error(cli, CL_TEXT_CLI_BAD_CUSTOMER, CLI_ARGS(text));
		return CLI_USAGE;
	}
	int result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	if (cl_config_keys(&cli->config, &keys, &error) != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_NO_KEYS, CLI_ARGS(error ? error : ""));
		free(error);
		return CLI_FAILED;
	}
	struct cl_ctx ctx = {.identity_key = keys.identity, .arena = cli->arena};
	struct cl_id identity = intake_identity_id(&ctx, is_phone ? IDENTITY_PHONE : IDENTITY_EMAIL,
	                                           is_phone ? cl_str_from(phone) : email);
	result = cli_get(cli, CL_KIND_IDENTITY, identity, &view, text, &actor);
	if (result == CLI_OK)
		*ret_id = ((const struct identity_state *)actor.state)->holder;
	return result;
}

int cli_cmd_customer_show(struct cli *cli) {
	struct cli_actor actor;
	struct cli_table table;
	struct cl_id id;
	char text[CL_ID_TEXT_BYTES];
	int result = find_customer(cli, cli->args[0], &id);
	if (result == CLI_OK)
		result = show(cli, CL_KIND_CUSTOMER, id, cli->args[0], &actor);
	if (result != CLI_OK || cli->json)
		return result;
	const struct customer_state *customer = actor.state;
	cl_id_format(id, text);
	cli_say(cli, CL_TEXT_CLI_CUSTOMER_ID, CLI_ARGS(text));
	if (!cl_id_zero(customer->into)) {
		cl_id_format(customer->into, text);
		cli_say(cli, CL_TEXT_CLI_CUSTOMER_PART_OF, CLI_ARGS(text));
	}
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_IDENTITY, false);
	cli_table_column(&table, CL_TEXT_CLI_H_VALUE, false);
	for (uint32_t i = 0; i < customer->identities.n; i++)
		cli_table_row(&table,
		              CLI_ARGS(cli_enum_text(cli, &cl_enum_identity_kind, customer->identities.v[i].kind),
		                       cli_safe(cli, customer->identities.v[i].value)));
	if (customer->identities.n)
		cli_table_print(&table, stdout);
	return CLI_OK;
}

int cli_cmd_customer_merge(struct cli *cli) {
	struct customer_merge body = {0};
	struct cl_id id;
	int result = find_customer(cli, cli->args[0], &id);
	if (result == CLI_OK)
		result = find_customer(cli, cli->args[1], &body.into);
	if (result == CLI_OK)
		result = cli_fill(cli, &cl_schema_customer_merge, &body);
	return result == CLI_OK ? send_to(cli, CL_KIND_CUSTOMER, id, &cl_schema_customer_merge, &body, cli->args[0])
	                        : result;
}

int cli_cmd_customer_unmerge(struct cli *cli) {
	struct customer_unmerge body = {0};
	struct cl_id id;
	int result = find_customer(cli, cli->args[0], &id);
	if (result == CLI_OK)
		result = cli_fill(cli, &cl_schema_customer_unmerge, &body);
	return result == CLI_OK ? send_to(cli, CL_KIND_CUSTOMER, id, &cl_schema_customer_unmerge, &body, cli->args[0])
	                        : result;
}

/* -- defaults -- */
static int send_quietly(struct cli *cli, uint8_t kind, struct cl_id id, uint32_t partition, uint16_t type,
                        const void *body, const char *what) {
	struct cli_outcome outcome = cli_send(cli, kind, id, partition, type, body);
	if (outcome.status == CL_OK && outcome.reply.status == WIRE_ACCEPTED)
		return CLI_OK;
	return cli_tell_outcome(cli, &outcome, what);
}

static int configure_registries(struct cli *cli, uint32_t service, uint8_t kind, uint16_t type, const void *body) {
	int result = CLI_OK;
	for (uint32_t p = 0; p < cl_client_partitions(cli->client, service) && result == CLI_OK; p++)
		result = send_quietly(cli, kind, (struct cl_id){{0}}, p, type, body, cl_service_name(service));
	return result;
}

int cli_cmd_configure_defaults(struct cli *cli) {
	int result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	struct routing_commands routing = routing_defaults(cli->arena);
	result = configure_registries(cli, CL_INTAKE, CL_KIND_INTAKE_REGISTRY, CL_T_intake_configure,
	                              intake_defaults(cli->arena));
	if (result == CLI_OK)
		result = configure_registries(cli, CL_SUPPORT, CL_KIND_SUPPORT_REGISTRY, CL_T_support_configure,
		                              support_defaults(cli->arena));
	for (uint32_t i = 0; i < routing.n && result == CLI_OK; i++) {
		const struct routing_command *command = &routing.v[i];
		const char *what = cl_schema_by_type(command->type)->name;
		result = command->every_partition
		                 ? configure_registries(cli, CL_ROUTING, command->kind, command->type, command->body)
		                 : send_quietly(cli, command->kind, command->target, 0, command->type, command->body,
		                                what);
	}
	if (result == CLI_OK)
		cli_say(cli, CL_TEXT_CLI_CONFIGURED, CLI_ARGS(cli_num(cli, routing.n)));
	return result;
}
