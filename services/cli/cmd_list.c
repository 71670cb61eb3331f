/* careloop case list, report record: from reporting's read model. */
#include <jansson.h>
#include <stdlib.h>

#include "base/time.h"
#include "commands.h"

static const char *member(const struct cli *cli, const json_t *object, const char *key) {
	const char *text = json_string_value(json_object_get(object, key));
	return text ? cli_safe(cli, cl_str_from(text)) : "";
}

static const char *member_enum(const struct cli *cli, const json_t *object, const char *key, const struct cl_enum *en) {
	const char *code = json_string_value(json_object_get(object, key));
	const struct cl_enum_value *value = code ? cl_enum_by_code(en, cl_str_from(code)) : NULL;
	return value ? cli_enum_text(cli, en, value->value) : member(cli, object, key);
}

static const char *member_time(const struct cli *cli, const json_t *object, const char *key) {
	const char *text = json_string_value(json_object_get(object, key));
	int64_t ms;
	return text && cl_time_parse(cl_str_from(text), &ms) == CL_OK ? cli_when(cli, ms) : "";
}

/* Options of the same name as the query's arguments. */
static uint32_t gather_arguments(struct cli *cli, struct wire_pair *pairs, uint32_t max) {
	uint32_t n = 0;
	for (uint32_t i = 0; i < cli->command->option_n && n < max; i++) {
		const char *value = cli_opt(cli, cli->command->options[i].name);
		if (value && cli->command->options[i].kind != CLI_FLAG)
			pairs[n++] = (struct wire_pair){cl_str_from(cli->command->options[i].name), cl_str_from(value)};
	}
	if (cli->arg_n && n < max) /* words to search for */
		pairs[n++] = (struct wire_pair){CL_STR("q"), cl_str_from(cli->args[0])};
	return n;
}

int cli_cmd_case_list(struct cli *cli) {
	struct wire_pair pairs[16];
	struct cl_str json;
	struct cli_table table;
	size_t i;
	json_t *row;
	int result = cli_connect(cli);
	uint32_t n = gather_arguments(cli, pairs, 16);
	if (result == CLI_OK)
		result = cli_query(cli, CL_REPORTING, 0, "case_list", pairs, n, 0, false, &json);
	if (result != CLI_OK)
		return result;
	if (cli->json) {
		printf(CL_STR_FMT "\n", CL_STR_ARG(json));
		return CLI_OK;
	}
	json_t *answer = json_loadb(json.p, json.n, 0, NULL);
	const json_t *cases = json_object_get(answer, "cases");
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_NUMBER, false);
	cli_table_column(&table, CL_TEXT_CLI_H_STATUS, false);
	cli_table_column(&table, CL_TEXT_CLI_H_PRIORITY, false);
	cli_table_column(&table, CL_TEXT_CLI_H_CATEGORY, false);
	cli_table_column(&table, CL_TEXT_CLI_H_DEPARTMENT, false);
	cli_table_column(&table, CL_TEXT_CLI_H_PERSON, false);
	cli_table_column(&table, CL_TEXT_CLI_H_RECEIVED, false);
	cli_table_column(&table, CL_TEXT_CLI_H_DUE, false);
	cli_table_column(&table, CL_TEXT_CLI_H_CUSTOMER, false);
	cli_table_column(&table, CL_TEXT_CLI_H_TITLE, false);
	table.shrink = 9;
	json_array_foreach(cases, i, row) cli_table_row(
	        &table, CLI_ARGS(member(cli, row, "number"), member_enum(cli, row, "status", &cl_enum_case_status),
	                         member_enum(cli, row, "priority", &cl_enum_level),
	                         member_enum(cli, row, "category", &cl_enum_category), member(cli, row, "department"),
	                         member(cli, row, "person"), member_time(cli, row, "received_at"),
	                         member_time(cli, row, "due_at"), member(cli, row, "customer_name"),
	                         member(cli, row, "title")));
	cli_table_print(&table, stdout);
	const char *next = json_string_value(json_object_get(answer, "next"));
	cli_say(cli, next ? CL_TEXT_CLI_LIST_MORE : CL_TEXT_CLI_LIST_END,
	        CLI_ARGS(cli_num(cli, table.rows),
	                 cli_num(cli, (uint64_t)json_integer_value(json_object_get(answer, "total"))),
	                 next ? next : ""));
	json_decref(answer);
	return CLI_OK;
}

static void line(const struct cli *cli, enum cl_text label, const char *value) {
	if (*value)
		printf("  %s%*s %s\n", cl_text(label, cli->lang), (int)(24 - cli_width(cl_text(label, cli->lang))), "",
		       value);
}

static void report_done(struct cli *cli, const json_t *done) {
	struct cli_table table;
	size_t i;
	json_t *row;
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_OCCURRED, false);
	cli_table_column(&table, CL_TEXT_CLI_H_WHAT, false);
	cli_table_column(&table, CL_TEXT_CLI_H_WHO, false);
	cli_table_column(&table, CL_TEXT_CLI_H_DETAIL, false);
	table.shrink = 3;
	json_array_foreach(done, i, row) {
		const struct cl_schema *schema =
		        cl_schema_by_name(cl_str_from(json_string_value(json_object_get(row, "type"))));
		const char *title = schema ? cli_event_title(cli, schema->type) : NULL;
		cli_table_row(&table, CLI_ARGS(member_time(cli, row, "at"), title ? title : member(cli, row, "type"),
		                               member(cli, row, "who"), member(cli, row, "text")));
	}
	cli_table_print(&table, stdout);
}

static void print_report(struct cli *cli, const json_t *report) {
	const json_t *archive = json_object_get(report, "archive");
	printf("%s\n", cl_text(CL_TEXT_CLI_REPORT_TITLE, cli->lang));
	line(cli, CL_TEXT_CLI_L_number, member(cli, report, "number"));
	line(cli, CL_TEXT_CLI_L_customer_name, member(cli, report, "customer_name"));
	line(cli, CL_TEXT_CLI_L_received_at, member_time(cli, report, "received_at"));
	line(cli, CL_TEXT_CLI_L_title, member(cli, report, "title"));
	line(cli, CL_TEXT_CLI_L_description, member(cli, report, "description"));
	line(cli, CL_TEXT_CLI_L_category, member_enum(cli, report, "category", &cl_enum_category));
	line(cli, CL_TEXT_CLI_L_priority, member_enum(cli, report, "priority", &cl_enum_level));
	line(cli, CL_TEXT_CLI_L_status, member_enum(cli, report, "status", &cl_enum_case_status));
	line(cli, CL_TEXT_CLI_L_department, member(cli, report, "department"));
	line(cli, CL_TEXT_CLI_L_person, member(cli, report, "person"));
	line(cli, CL_TEXT_CLI_L_outcome, member_enum(cli, report, "outcome", &cl_enum_close_outcome));
	line(cli, CL_TEXT_CLI_L_result, member(cli, report, "result"));
	line(cli, CL_TEXT_CLI_L_closed_at, member_time(cli, report, "closed_at"));
	printf("\n");
	report_done(cli, json_object_get(report, "done"));
	printf("\n%s\n", cli_text(cli, CL_TEXT_CLI_REPORT_PROOF,
	                          CLI_ARGS(cli_num(cli, (uint64_t)json_integer_value(json_object_get(archive, "seq"))),
	                                   member(cli, archive, "hash"), member_time(cli, report, "printed_at"))));
}

int cli_cmd_report_record(struct cli *cli) {
	struct cl_str json;
	const char *number;
	struct cl_id id;
	int result = cli_slip(cli, cli->args[0], &number, &id);
	if (result == CLI_OK)
		result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	struct wire_pair pair = {CL_STR("number"), cl_str_from(number)};
	result = cli_query(cli, CL_REPORTING, 0, "report", &pair, 1, 0, false, &json);
	if (result == CLI_NOT_FOUND)
		cli_error(cli, CL_TEXT_CLI_NOT_FOUND, CLI_ARGS(number));
	if (result != CLI_OK)
		return result;
	if (cli->json) {
		printf(CL_STR_FMT "\n", CL_STR_ARG(json));
		return CLI_OK;
	}
	json_t *report = json_loadb(json.p, json.n, 0, NULL);
	print_report(cli, report);
	json_decref(report);
	return CLI_OK;
}
